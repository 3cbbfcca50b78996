// `lab explore` as a process: its address is what it prints. LAB is the program that was built.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const LAB = process.env.LAB
if (!LAB) throw new Error('LAB is not set: build it with cargo build -p turnstile-models, then LAB=target/debug/lab')

export class Explore {
  static async start(port = 0) {
    const child = spawn(LAB, ['explore', '--no-open', '--port', String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    for await (const line of lines) {
      const url = line.match(/http:\/\/\S+/)?.[0]
      if (url) return Object.assign(new Explore(), { child, url: new URL('/', url).href })
    }
    throw new Error('lab explore has ended without printing its address')
  }
  get port() { return new URL(this.url).port }
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill()
    await once(this.child, 'exit')
  }
  async ask(path, query = {}) {
    return (await fetch(`${this.url}api/${path}?${new URLSearchParams(query)}`)).json()
  }
}

/** Runs a command of the lab; what it printed, and how it ended. */
export async function run(...options) {
  try {
    return { code: 0, ...(await promisify(execFile)(LAB, options)) }
  } catch (why) {
    return why
  }
}
