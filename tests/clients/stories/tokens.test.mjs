// Who may not come in is told why, by the event that fits, and whoever leaves is gone.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Cable } from '../cable.mjs'
import { SDKS } from '../sdks.mjs'
import { Gateway } from '../server.mjs'

const gateway = await Gateway.start()
after(() => gateway.stop())

const REFUSED = [
  ['that is none', () => 'nonsense', 'OnUserTokenInvalid'],
  ['with another signature', async (user, platform) => forged(await gateway.token(user, platform)), 'OnUserTokenInvalid'],
  ['of another user', (user, platform) => gateway.token('somebody', platform), 'OnUserTokenInvalid'],
  ['for another platform', (user) => gateway.token(user, 1), 'OnUserTokenInvalid'],
  ['that has expired', expired, 'OnUserTokenExpired'],
]

const forged = (token) => token.replace(/[^.]*$/, (signature) => [...signature].reverse().join(''))

async function expired(user, platform) {
  const token = await gateway.tokenFor('1s', user, platform)
  await setTimeout(2_100) // Times in a token are whole seconds.
  return token
}

describe('tokens', () => {
  for (const [name, login] of Object.entries(SDKS)) {
    const platform = name === 'wasm' ? 5 : 3
    for (const [i, [what, make, event]] of REFUSED.entries()) {
      test(`a ${name} client with a token ${what} hears ${event}`, async () => {
        const user = `${name}-${i}`
        const client = await login(gateway, user, { platform, token: await make(user, platform) })
        await client.told(event)
        const ends = ['OnUserTokenInvalid', 'OnUserTokenExpired', 'OnKickedOffline', 'OnConnectSuccess']
        assert.deepEqual(ends.map((name) => client.times(name)), ends.map((name) => Number(name === event)))
        assert.deepEqual(await gateway.online(user), [])
      })
    }

    test(`a ${name} client logs out, and in again with the same token`, async () => {
      const user = `${name}-leaves`
      const cable = await Cable.to(gateway.ws)
      const client = await login(gateway, user, { ws: cable.ws })
      await client.connected()
      assert.deepEqual(await gateway.online(user), [client.platform])
      await client.call('logout')
      await cable.quiet()
      assert.deepEqual(await gateway.online(user), [])
      await client.login()
      await client.connected(2)
      assert.deepEqual(await gateway.online(user), [client.platform])
      assert.equal(client.times('OnKickedOffline'), 0)
    })
  }
})
