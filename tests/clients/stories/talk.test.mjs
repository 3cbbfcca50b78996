// Two people, one on each SDK, on one gateway: they talk, and see each other come and go.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
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
    const texts = Array.from({ length: 10 }, (_, i) => `burst ${i} ${how}`)
    const before = to.messages.length
    await Promise.all(texts.map((text) => from.say(to.user, text)))
    await to.hears(...texts)
    const burst = to.messages.slice(before)
    const order = burst.map(({ textElem }) => textElem.content)
    // The Go core takes what it is given at once in any order.
    assert.deepEqual(from === anna ? order.sort() : order, texts)
    const [{ seq: first }] = burst
    assert.deepEqual(burst.map(({ seq }) => seq), texts.map((_, i) => first + i))
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

for (const [name, login] of Object.entries(SDKS)) {
  test(`a new ${name} client finds what was said before it came`, async () => {
    const late = await login(gateway, 'bert', { platform: name === 'wasm' ? 5 : 4 })
    await late.connected()
    const { messageList } = await late.call('getAdvancedHistoryMessageList', { conversationID: 'si_anna_bert', count: 5, startClientMsgID: '' })
    const said = [...anna.messages, ...bert.messages].filter(({ sendID }) => [anna.user, bert.user].includes(sendID))
    const newest = said.sort((a, b) => a.seq - b.seq).slice(-5)
    assert.deepEqual(messageList.map(({ clientMsgID }) => clientMsgID), newest.map(({ clientMsgID }) => clientMsgID))
    await late.close()
  })
}

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
