// Who is kicked by whom, under each policy: a line a case.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inNode } from '../sdks.mjs'
import { Gateway } from '../server.mjs'

const [ANDROID, WINDOWS, MAC, WEB, IPAD] = [2, 3, 4, 5, 9]
const CASES = [
  // policy, who is there, who comes, who is kicked
  [0, [WEB, WINDOWS], WEB, []],
  [1, [WEB, WINDOWS, ANDROID], WEB, [WEB]],
  [1, [WINDOWS, WEB], MAC, []],
  [4, [WINDOWS, WEB, ANDROID], MAC, [WINDOWS]],
  [4, [IPAD, WEB], WEB, [WEB]],
  [5, [WEB, WINDOWS], IPAD, [WEB]],
  [5, [WINDOWS, WEB], MAC, []],
]

describe('policies', { concurrency: true }, () => {
  for (const [policy, present, comes, kicked] of CASES) {
    test(`policy ${policy}: of ${present}, ${comes} kicks ${kicked.join() || 'nobody'}`, async (t) => {
      const gateway = await Gateway.start('--policy', policy)
      t.after(() => gateway.stop())
      const there = []
      for (const platform of present) there.push(await inNode(gateway, 'anna', { platform }))
      for (const client of there) await client.connected()
      const token = await gateway.token('anna', comes, { not: there.map((client) => client.token) })
      const newcomer = await inNode(gateway, 'anna', { platform: comes, token })
      await newcomer.connected()

      const gone = there.filter(({ platform }) => kicked.includes(platform))
      for (const client of gone) await client.told('OnKickedOffline')
      const friend = await inNode(gateway, 'bert')
      await friend.connected()
      await friend.say('anna', 'who is there?')
      const left = [...there.filter((client) => !gone.includes(client)), newcomer]
      for (const client of left) await client.hears('who is there?')
      assert.deepEqual(gone.map((client) => client.heard), gone.map(() => []))
      const online = new Set(left.map(({ platform }) => platform))
      assert.deepEqual(await gateway.online('anna'), [...online].sort((a, b) => a - b))
    })
  }
})
