// A second login on the same platform ends the first, which hears of it once and does not come back.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SDKS, inNode } from '../sdks.mjs'
import { Gateway } from '../server.mjs'

const gateway = await Gateway.start()
after(() => gateway.stop())
const friend = await inNode(gateway, 'friend')
await friend.connected()

for (const [old, loginOld] of Object.entries(SDKS)) {
  for (const [young, loginNew] of Object.entries(SDKS)) {
    test(`a ${young} login kicks a ${old} login`, async () => {
      const user = `${old}-${young}`
      const first = await loginOld(gateway, user, { platform: 5 })
      await first.connected()
      const second = await loginNew(gateway, user, { platform: 5, token: await gateway.token(user, 5, { not: [first.token] }) })
      await second.connected()
      await first.told('OnKickedOffline')

      await second.say('friend', `from ${user}`)
      await friend.hears(`from ${user}`)
      const third = await loginOld(gateway, user, { platform: 5, token: first.token })
      await third.told('OnKickedOffline')
      await friend.say(user, 'which of you is left?')
      await second.hears('which of you is left?')

      assert.deepEqual(await gateway.online(user), [5])
      assert.deepEqual([first, second, third].map((client) => client.times('OnKickedOffline')), [1, 0, 1])
      assert.deepEqual([first, second, third].map((client) => client.times('OnConnectSuccess')), [1, 1, 0])
      assert.deepEqual([first, second, third].map((client) => client.heard.length), [0, 1, 0])
    })
  }

  test(`an administrator logs a ${old} login out`, async () => {
    const user = `guest-${old}`
    const guest = await loginOld(gateway, user)
    await guest.connected()
    await gateway.admin('/auth/force_logout', { userID: user, platformID: guest.platform })
    await guest.told('OnKickedOffline')
    const again = await loginOld(gateway, user, { token: guest.token })
    await again.told('OnKickedOffline')
    assert.equal(guest.times('OnKickedOffline'), 1)
    assert.deepEqual(await gateway.online(user), [])
  })
}

test('a second login with the same token kicks nobody', async () => {
  const first = await inNode(gateway, 'twice', { platform: 5 })
  await first.connected()
  const second = await inNode(gateway, 'twice', { platform: 5, token: first.token })
  await second.connected()
  await friend.say('twice', 'both of you')
  await first.hears('both of you')
  await second.hears('both of you')
  assert.equal(first.times('OnKickedOffline'), 0)
})
