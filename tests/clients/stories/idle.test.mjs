// Connections on which nothing is said for longer than any timeout between them stay as they are.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Cable } from '../cable.mjs'
import { inBrowser, inNode } from '../sdks.mjs'
import { Gateway } from '../server.mjs'

test('62 idle seconds change nothing', async () => {
  const gateway = await Gateway.start()
  after(() => gateway.stop())
  const cables = await Promise.all([Cable.to(gateway.ws), Cable.to(gateway.ws), Cable.to(gateway.ws)])
  const anna = await inBrowser(gateway, 'anna', { ws: cables[0].ws })
  const bert = await inNode(gateway, 'bert', { ws: cables[1].ws })
  const cora = await inNode(gateway, 'cora', { ws: cables[2].ws, platform: 5 })
  await Promise.all([anna, bert, cora].map((client) => client.connected()))

  await setTimeout(62_000)

  await anna.say('bert', 'still here')
  await bert.hears('still here')
  await bert.say('cora', 'so am I')
  await cora.hears('so am I')
  await cora.say('anna', 'and I')
  await anna.hears('and I')
  assert.deepEqual(cables.map(({ dialled }) => dialled), [1, 1, 1])
  assert.deepEqual([anna, bert, cora].map((client) => client.times('OnConnecting')), [1, 1, 1])
})
