// @openim/client-sdk, which is JavaScript alone, in Node.
// Of its builds this one is named since in the others, made for older JavaScript, `[...map.entries()]` has become
// `[].concat(map.entries())`, which is something else: they throw where a client catches up.
import { CbEvents, getSDK } from '@openim/client-sdk/lib/index.modern.mjs'
import { WebSocket } from 'ws'
import { Client } from './client.mjs'

// Node's own WebSocket tells of no close when a connection is refused, as browsers do, and the SDK waits for that to try again.
globalThis.WebSocket = class extends WebSocket {
  binaryType = 'arraybuffer'
}

// Nobody waits for some of the SDK's requests, so that one to a gateway that dies meanwhile would fail the story: it stays unanswered.
const { fetch } = globalThis
globalThis.fetch = (url, init) =>
  fetch(url, init).catch((error) => (init.headers.reqFuncName ? new Promise(() => {}) : Promise.reject(error)))

console.info = console.warn = () => {} // The SDK greets on the one and thinks aloud on the other.
const SILENT = 5

/** Logs in with the js SDK, on Windows if nothing else is said. */
export const inNode = (gateway, user, login) => Client.login(start, gateway, user, { platform: 3, logLevel: SILENT, ...login })

async function start(note) {
  const sdk = getSDK()
  for (const name of Object.values(CbEvents)) sdk.on(name, (event) => note(name, event))
  return {
    call: (name, ...args) => sdk[name](...args).catch((error) => error),
    close: () => sdk.logout(),
  }
}
