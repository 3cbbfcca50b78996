// Whatever the shape of the hub, and whichever OpenIM version's steps it follows: a talk, a kick, and a talk after it.
// Where the kick is lost on its way, as it can be in v3.8.3, the client hears of it when it comes back with its token.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { inNode } from '../sdks.mjs'
import { BINARY, Gateway } from '../server.mjs'

const { designs, versions } = JSON.parse(execFileSync(BINARY, ['designs', '--json']))

describe('designs', { concurrency: 4 }, () => {
  const every = [...designs.map(({ name }) => ['--design', name]), ...versions.map(({ name }) => ['--design', 'single-select', '--openim', name])]
  for (const options of every) {
    test(options.filter((option) => !option.startsWith('--')).join(', '), async (t) => {
      const gateway = await Gateway.start(...options)
      t.after(() => gateway.stop())
      const first = await inNode(gateway, 'anna')
      const friend = await inNode(gateway, 'bert')
      await Promise.all([first.connected(), friend.connected()])
      await first.say('bert', 'hello')
      await friend.hears('hello')

      const second = await inNode(gateway, 'anna', { token: await gateway.token('anna', first.platform, { not: [first.token] }) })
      await second.connected()
      await first.told('OnKickedOffline')
      await friend.say('anna', 'who is there?')
      await second.hears('who is there?')
      assert.deepEqual([first, second].map((client) => client.times('OnKickedOffline')), [1, 0])
      assert.deepEqual(first.heard, [])
      assert.deepEqual(await gateway.online('anna'), [first.platform])
    })
  }
})
