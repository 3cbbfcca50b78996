// @openim/wasm-client-sdk, the Go core as WebAssembly, in a page of Chromium. run.mjs starts the browser and serves the page.
import { chromium } from 'playwright-core'
import { Client } from './client.mjs'

const ERRORS = 2
const browser = await chromium.connect(process.env.BROWSER)
const context = await browser.newContext()
let pages = 0

/** Logs in with the wasm SDK, on the Web. */
export const inBrowser = (gateway, user, login) => Client.login(start, gateway, user, { platform: 5, logLevel: ERRORS, ...login })

// One after the other, since all pages share a thread.
let starting
const start = (note) => (starting = Promise.allSettled([starting]).then(() => open(note)))

async function open(note) {
  const page = await context.newPage()
  if (process.env.VERBOSE) page.on('console', (message) => console.error(message.text()))
  await page.exposeFunction('note', note)
  // A host of its own gives each page its own storage, while one renderer serves all pages of the site and compiles the core once.
  const url = new URL(process.env.PAGE)
  url.hostname = `page-${++pages}.${url.hostname}`
  await page.goto(url.href)
  await page.waitForFunction(() => window.sdk)
  return {
    call: (name, ...args) => page.evaluate(([name, args]) => sdk[name](...args).catch((error) => error), [name, args]),
    close: () => page.close(),
  }
}
