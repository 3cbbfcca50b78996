// One login through one SDK: what it was told, in order, and the few things that stories do with it.
// Both SDKs have the same calls and events, so only how they are reached differs: browser.mjs, js-sdk.mjs.
import assert from 'node:assert/strict'

const MESSAGES = ['OnRecvNewMessages', 'OnRecvOfflineNewMessages']

export const texts = (messages) => messages.map(({ textElem }) => textElem.content)

export class Client {
  events = []
  #login
  #sdk
  #waiting = new Set()

  /** `start` is given what to call with each event, and gives back `{ call(name, ...args), close() }`, where a call never rejects. */
  static async login(start, gateway, user, { platform, token, logLevel, ws = gateway.ws }) {
    const client = new Client()
    client.user = user
    client.platform = platform
    client.token = token ?? await gateway.token(user, platform)
    client.#login = { userID: user, platformID: platform, token: client.token, wsAddr: ws, apiAddr: gateway.api, logLevel }
    client.#sdk = await start((name, event) => client.#note(name, event))
    await client.login()
    return client
  }

  login() {
    return this.call('login', this.#login)
  }

  async call(name, ...args) {
    const { errCode, errMsg, data } = (await this.#sdk.call(name, ...args)) ?? {}
    if (errCode) throw new Error(`${name}: ${errCode} ${errMsg}`)
    return data
  }

  close() {
    return this.#sdk.close()
  }

  /** Sends a text to a user or a `{ group }`, and gives back the message as the gateway confirmed it. */
  async say(to, text) {
    const message = await this.call('createTextMessage', text)
    const where = to.group ? { recvID: '', groupID: to.group } : { recvID: to, groupID: '' }
    return this.call('sendMessage', { ...where, message })
  }

  /** All messages between this user and another, oldest first, as one finds them who pages back to the beginning. */
  async history(other) {
    const conversationID = `si_${[this.user, other].sort().join('_')}`
    const found = []
    for (;;) {
      const from = { conversationID, count: 10, startClientMsgID: found[0]?.clientMsgID ?? '' }
      const { messageList, isEnd } = await this.call('getAdvancedHistoryMessageList', from)
      found.unshift(...messageList)
      if (isEnd) return found
      assert.ok(messageList.length, 'a page with nothing on it is not the end')
    }
  }

  /** The texts that came from others, in the order in which the SDK told of them; none is left out, so one told twice is here twice. */
  get heard() {
    return texts(this.messages)
  }

  get messages() {
    return this.events.filter(({ name }) => MESSAGES.includes(name)).flatMap(({ data }) => data).filter(({ sendID }) => sendID !== this.user)
  }

  /** How often an event came. */
  times(name) {
    return this.events.filter((event) => event.name === name).length
  }

  /** The platforms on which this client was last told that a user is online. */
  online(user) {
    return this.events.findLast(({ name, data }) => name === 'OnUserStatusChanged' && data.userID === user)?.data.platformIDs
  }

  /** Connected, and through with what comes up at first: what arrives amid that is not told as new. */
  connected(times = 1) {
    const through = () => this.times('OnConnectSuccess') >= times && this.times('OnSyncServerFinish') > 0
    return this.until(`connected, time ${times}`, through)
  }

  hears(...texts) {
    return this.until(`hears ${texts}`, () => texts.every((text) => this.heard.includes(text)))
  }

  told(name) {
    return this.until(name, () => this.times(name) > 0)
  }

  /** Resolves as soon as an event makes `holds` true, at once if it is already. */
  until(what, holds, seconds = 30) {
    if (holds()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!holds()) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        reject(new assert.AssertionError({ message: `${this.user} waited ${seconds} s for: ${what}\n${this.#log()}` }))
      }, seconds * 1000)
      this.#waiting.add(look)
    })
  }

  #note(name, { data, errCode }) {
    this.events.push({ name, data, errCode })
    for (const look of this.#waiting) look()
  }

  #log() {
    return this.events.slice(-15).map(({ name, data, errCode }) => `  ${name} ${errCode || ''} ${JSON.stringify(data) ?? ''}`.slice(0, 200)).join('\n')
  }
}
