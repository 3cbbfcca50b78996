// The wire between an SDK and the gateway, which can be cut and mended, and counts how often it was dialled.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class Cable {
  dialled = 0
  #cut = false
  #sockets = new Set()
  #server

  static async to(ws) {
    const cable = new Cable()
    const { hostname, port } = new URL(ws)
    cable.#server = createServer((near) => {
      if (cable.#cut) return near.destroy()
      cable.dialled += 1
      const far = connect(port, hostname)
      for (const [from, to] of [[near, far], [far, near]]) {
        cable.#sockets.add(from)
        from.on('error', () => {}).on('close', () => { cable.#sockets.delete(from); to.destroy() })
        from.pipe(to)
      }
    })
    await once(cable.#server.listen(0, '127.0.0.1'), 'listening')
    cable.ws = `ws://127.0.0.1:${cable.#server.address().port}`
    return cable
  }

  /** Resolves once nobody is connected. */
  async quiet() {
    while (this.#sockets.size) await once([...this.#sockets][0], 'close')
  }

  cut() {
    this.#cut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend() {
    this.#cut = false
  }

  close() {
    this.cut()
    this.#server.close()
  }
}
