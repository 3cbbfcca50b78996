// Runs the stories: serves the page with the wasm SDK, starts one Chromium for all, and sees to it that nothing stays behind.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { BINARY } from './server.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SDK = join(HERE, 'node_modules/@openim/wasm-client-sdk')
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }
const SECONDS = 180 // It takes 75 on two idle cores.

await access(BINARY).catch(() => {
  console.error(`there is no gateway at ${BINARY}; build it with \`cargo build --release\`, or name another in TURNSTILE`)
  process.exit(1)
})

const page = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://page')
  const file = pathname === '/' ? join(HERE, 'page.html') : join(SDK, pathname)
  try {
    const body = await readFile(file)
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body)
  } catch {
    response.writeHead(404).end()
  }
})
await once(page.listen(0, '127.0.0.1'), 'listening')

const browser = await chromium.launchServer({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--process-per-site', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

const named = process.argv.slice(2)
const stories = named.length ? named : (await readdir(join(HERE, 'stories'))).sort().map((name) => `stories/${name}`)
const tests = spawn(process.execPath, ['--test', '--test-force-exit', '--test-reporter=spec', '--test-concurrency=3', ...stories], {
  cwd: HERE,
  stdio: 'inherit',
  detached: true, // A process group of its own, so that the gateways it starts can be ended with it.
  env: {
    ...process.env,
    BROWSER: browser.wsEndpoint(),
    PAGE: `http://clients.localhost:${page.address().port}/`,
  },
})
const end = () => {
  try { process.kill(-tests.pid, 'SIGKILL') } catch { /* Nobody is left. */ }
}
process.on('exit', end)
const late = setTimeout(() => {
  console.error(`not done after ${SECONDS} s`)
  end()
}, SECONDS * 1000)

const [code] = await once(tests, 'exit')
clearTimeout(late)
await browser.close()
page.close()
process.exitCode = code ?? 1
