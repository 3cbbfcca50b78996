// Whoever was away is told what was missed, once and in order; whether the line was cut or the gateway was gone.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Cable } from '../cable.mjs'
import { texts } from '../client.mjs'
import { SDKS, inNode } from '../sdks.mjs'
import { Gateway } from '../server.mjs'

describe('absence', { concurrency: true }, () => {
  for (const [name, login] of Object.entries(SDKS)) {
    test(`a ${name} client whose line was cut catches up`, async (t) => {
      const gateway = await Gateway.start()
      t.after(() => gateway.stop())
      const cable = await Cable.to(gateway.ws)
      const away = await login(gateway, 'away', { ws: cable.ws })
      const home = await inNode(gateway, 'home')
      await Promise.all([away.connected(), home.connected()])
      // The Go core asks for nothing when it connects again within 5 s; the next push would have it ask.
      const settled = setTimeout(5_500)
      await home.say('away', 'before')
      await away.hears('before')

      await home.call('subscribeUsersStatus', ['away'])
      cable.cut()
      await home.until('away is gone', () => home.online('away')?.length === 0)
      const missed = ['missed 1', 'missed 2', 'missed 3', 'missed 4', 'missed 5']
      for (const text of missed) await home.say('away', text)
      await settled
      cable.mend()

      await away.connected(2)
      // The Go core takes only the newest message as news, the js SDK up to ten. The others are in the history of either.
      await away.hears(missed.at(-1))
      await home.say('away', 'after')
      await away.hears('after')
      assert.equal(new Set(away.heard).size, away.heard.length)
      assert.deepEqual(texts(await away.history('home')), ['before', ...missed, 'after'])
      await away.say('home', 'back again')
      await home.hears('back again')
    })

    for (const signal of ['SIGKILL', 'SIGTERM']) {
      test(`a gateway that ended by ${signal} has lost nothing that it confirmed to a ${name} client`, async (t) => {
        const gateway = await Gateway.start()
        t.after(() => gateway.stop())
        const cable = await Cable.to(gateway.ws)
        const speaker = await login(gateway, 'speaker')
        const away = await inNode(gateway, 'away', { ws: cable.ws })
        await Promise.all([speaker.connected(), away.connected()])
        await speaker.say('away', 'before')
        await away.hears('before')

        cable.cut()
        await speaker.say('away', 'missed')
        await gateway.end(signal)
        await gateway.restart()
        cable.mend()

        await Promise.all([speaker.connected(2), away.connected(2)])
        await away.hears('missed')
        await away.say('speaker', 'after')
        await speaker.hears('after')
        assert.deepEqual(away.heard, ['before', 'missed'])
        assert.deepEqual(speaker.heard, ['after'])
      })
    }
  }
})
