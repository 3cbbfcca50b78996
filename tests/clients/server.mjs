// A gateway of one's own: the built binary on free ports, and an empty data folder.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const BINARY = process.env.TURNSTILE ?? fileURLToPath(new URL('../../target/release/turnstile', import.meta.url))

export class Gateway {
  #options
  #process
  #admin

  static async start(...options) {
    const gateway = new Gateway()
    gateway.data = await mkdtemp(join(tmpdir(), 'turnstile-'))
    gateway.#options = options
    await gateway.#run('127.0.0.1:0', '127.0.0.1:0', '127.0.0.1:0')
    return gateway
  }

  async #run(ws, api, page) {
    const args = ['serve', '--data', this.data, '--listen', ws, '--api', api, '--admin-page', page, '--json', ...this.#options]
    this.#process = spawn(BINARY, args, { stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'] })
    const died = once(this.#process, 'exit').then(([code]) => { throw new Error(`turnstile ended with ${code} before it listened`) })
    const [line] = await Promise.race([once(createInterface(this.#process.stdout), 'line'), died])
    died.catch(() => {})
    const said = JSON.parse(line)
    Object.assign(this, { ws: said.ws, api: said.api, page: said.admin })
  }

  /** Ends the process, with whoever is connected, and waits until it is gone. */
  async end(signal) {
    const gone = once(this.#process, 'exit')
    this.#process.kill(signal)
    await gone
  }

  /** Runs it again where it was, on the same data. */
  restart() {
    return this.#run(...[this.ws, this.api, this.page].map((url) => new URL(url).host))
  }

  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.end('SIGKILL')
    await rm(this.data, { recursive: true, force: true })
  }

  /** A token that is issued by the gateway, unlike any in `not`: two issued within a second may be the same. */
  async token(user, platform, { not = [] } = {}) {
    for (;;) {
      const { token } = await this.admin('/auth/get_user_token', { userID: user, platformID: platform })
      if (!not.includes(token)) return token
    }
  }

  /** A token for so long, as `1s`; the command line issues it beside the gateway that runs. */
  async tokenFor(duration, user, platform) {
    const args = ['token', '--data', this.data, '--user', user, '--platform', platform, '--expires-in', duration]
    return (await promisify(execFile)(BINARY, args)).stdout.trim()
  }

  /** A token of the administrator. */
  async adminToken() {
    if (!this.#admin) {
      const secret = (await readFile(join(this.data, 'secret'), 'utf8')).trim()
      this.#admin = (await this.call('/auth/get_admin_token', { secret, userID: 'imAdmin' })).token
    }
    return this.#admin
  }

  /** Calls the HTTP API as the administrator. */
  async admin(path, body) {
    return this.call(path, body, await this.adminToken())
  }

  async call(path, body, token = '') {
    const answer = await fetch(this.api + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', operationID: 'story', token },
      body: JSON.stringify(body),
    })
    const { errCode, errMsg, errDlt, data } = await answer.json()
    if (errCode) throw new Error(`${path}: ${errCode} ${errMsg} ${errDlt}`)
    return data
  }

  /** On which platforms the gateway says a user is online. */
  async online(user) {
    const [{ detailPlatformStatus }] = await this.admin('/user/get_users_online_status', { userIDs: [user] })
    return [...new Set(detailPlatformStatus.map(({ platformID }) => platformID))].sort((a, b) => a - b)
  }
}
