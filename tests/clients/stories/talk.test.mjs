// Two people, one on each SDK, on one gateway: they talk, and see each other come and go.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { texts } from '../client.mjs'
import { SDKS, inBrowser, inNode } from '../sdks.mjs'
import { Gateway } from '../server.mjs'

const gateway = await Gateway.start()
after(() => gateway.stop())

const anna = await inBrowser(gateway, 'anna')
const bert = await inNode(gateway, 'bert')
await anna.connected()
await bert.connected()

for (const [from, to, how] of [[anna, bert, 'from wasm to js'], [bert, anna, 'from js to wasm']]) {
  test(`a text is confirmed and reaches the other side, ${how}`, async () => {
    const sent = await from.say(to.user, `hello ${how}`)
    assert.equal(sent.status, 2)
    assert.ok(sent.serverMsgID)
    await to.hears(`hello ${how}`)
    const got = to.messages.at(-1)
    assert.deepEqual(
      [got.sendID, got.recvID, got.clientMsgID, got.serverMsgID, got.sendTime, got.senderPlatformID],
      [from.user, to.user, sent.clientMsgID, sent.serverMsgID, sent.sendTime, from.platform],
    )
  })

  test(`a burst of ten arrives whole and in order, ${how}`, async () => {
    const said = Array.from({ length: 10 }, (_, i) => `burst ${i} ${how}`)
    const before = to.messages.length
    await Promise.all(said.map((text) => from.say(to.user, text)))
    await to.hears(...said)
    const burst = to.messages.slice(before)
    // The Go core takes what it is given at once in any order.
    assert.deepEqual(from === anna ? texts(burst).sort() : texts(burst), said)
    const [{ seq: first }] = burst
    assert.deepEqual(burst.map(({ seq }) => seq), said.map((_, i) => first + i))
  })
}

test('text in every script and longer than a frame header counts', async () => {
  for (const text of ['grüß dich, 世界 👋', 'x'.repeat(30_000)]) {
    await anna.say('bert', text)
    await bert.hears(text)
    await bert.say('anna', text)
    await anna.hears(text)
  }
})

test('who types is seen to, and it leaves nothing behind', async () => {
  const conversationID = 'si_anna_bert'
  const heard = [anna.messages.length, bert.messages.length]
  for (const [from, to] of [[anna, bert], [bert, anna]]) {
    await from.call('changeInputStates', { conversationID, focus: true })
    await to.told('OnConversationUserInputStatusChanged')
    await from.call('changeInputStates', { conversationID, focus: false })
    await to.until('the typing ends', () => to.times('OnConversationUserInputStatusChanged') > 1)
  }
  assert.deepEqual([anna.messages.length, bert.messages.length], heard)
})

test('what the system says to one, or somebody in a group, is heard', async () => {
  const say = (text, to) => gateway.admin('/msg/send_msg', { contentType: 101, content: { content: text }, ...to })
  for (const { user } of [anna, bert]) await say(`to ${user}`, { sendID: 'system', recvID: user, sessionType: 1 })
  await gateway.admin('/group/create_group', { ownerUserID: 'cora', memberUserIDs: ['anna', 'bert'], groupInfo: { groupID: 'trio' } })
  await say('to all three', { sendID: 'cora', groupID: 'trio', sessionType: 3 })
  for (const client of [anna, bert]) await client.hears(`to ${client.user}`, 'to all three')
})

test('members talk in a group, and who is not in it cannot', async () => {
  await anna.say({ group: 'trio' }, 'anna to the group')
  await bert.hears('anna to the group')
  await bert.say({ group: 'trio' }, 'bert to the group')
  await anna.hears('bert to the group')
  await gateway.admin('/group/kick_group', { groupID: 'trio', kickedUserIDs: ['bert'] })
  await assert.rejects(bert.say({ group: 'trio' }, 'still here'), /NoPermission/)
})

test('what was read on one device is read on another', async () => {
  for (const [reader, other, login, platform] of [[anna, bert, inNode, 4], [bert, anna, inBrowser, 5]]) {
    const single = { sourceID: other.user, sessionType: 1 }
    assert.notEqual((await reader.call('getOneConversation', single)).unreadCount, 0)
    await reader.call('markConversationMessageAsRead', 'si_anna_bert')
    const device = await login(gateway, reader.user, { platform })
    await device.connected()
    assert.equal((await device.call('getOneConversation', single)).unreadCount, 0)
    await device.close()
  }
})

test('a browser goes to the background and comes back', async () => {
  await anna.call('setAppBackgroundStatus', true)
  await bert.say('anna', 'are you there?')
  await anna.hears('are you there?')
  await anna.call('setAppBackgroundStatus', false)
})

for (const [name, login] of Object.entries(SDKS)) {
  test(`a new ${name} client finds what was said before it came`, async () => {
    const late = await login(gateway, 'bert', { platform: name === 'wasm' ? 5 : 4 })
    await late.connected()
    const said = [...anna.messages, ...bert.messages].filter(({ sendID, groupID }) => sendID !== 'system' && !groupID)
    const ids = (messages) => messages.map(({ clientMsgID }) => clientMsgID)
    assert.deepEqual(ids(await late.history('anna')), ids(said.sort((a, b) => a.seq - b.seq)))
    await late.close()
  })
}

test('a history that is too big for one answer is found whole', async () => {
  const said = Array.from({ length: 32 }, (_, i) => `${i} ${'y'.repeat(30_000)}`)
  for (const text of said) await bert.say('dora', text)
  for (const login of Object.values(SDKS)) {
    const dora = await login(gateway, 'dora')
    await dora.connected()
    assert.deepEqual(texts(await dora.history('bert')), said)
    await dora.close()
  }
})

for (const [name, login] of Object.entries(SDKS)) {
  test(`subscribers see a ${name} client come and go`, async () => {
    const user = `guest-${name}`
    for (const watcher of [anna, bert]) {
      const [status] = await watcher.call('subscribeUsersStatus', [user])
      assert.deepEqual(status.platformIDs ?? [], [])
    }
    const guest = await login(gateway, user)
    for (const watcher of [anna, bert]) {
      await watcher.until(`${user} comes`, () => watcher.online(user)?.includes(guest.platform))
    }
    assert.deepEqual(await gateway.online(user), [guest.platform])
    await guest.close()
    for (const watcher of [anna, bert]) {
      await watcher.until(`${user} goes`, () => watcher.online(user)?.length === 0)
    }
    assert.deepEqual(await gateway.online(user), [])
  })
}
