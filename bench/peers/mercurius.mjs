// Mercurius on Fastify, with its own publishing: `node mercurius.mjs PORT`.

import Fastify from 'fastify'
import mercurius from 'mercurius'
import { following, news, typeDefs } from './leaderboard.mjs'

const app = Fastify()
const subscribe = async (_root, _args, { pubsub }) => following(await pubsub.subscribe('news'))
const resolvers = { Subscription: { leaderboard: { subscribe } } }

app.register(mercurius, { schema: typeDefs, resolvers, subscription: true, jit: 1 })
app.get('/readyz', async () => ({}))
app.post('/post', async request => {
  news.last = request.body
  await app.graphql.pubsub.publish({ topic: 'news', payload: { leaderboard: news.last } })
  return {}
})

await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 2048 })
