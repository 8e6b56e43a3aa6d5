// GraphQL Yoga with graphql-ws, put together as its documentation shows: `node yoga.mjs PORT`.

import { createServer } from 'node:http'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { following, news, typeDefs } from './leaderboard.mjs'

const pubsub = createPubSub()
const resolvers = { Subscription: { leaderboard: { subscribe: () => following(pubsub.subscribe('news')) } } }
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false })

const server = createServer(async (request, response) => {
  if (request.url.startsWith('/graphql')) return yoga(request, response)
  if (request.method === 'POST') {
    const parts = []
    for await (const part of request) parts.push(part)
    news.last = JSON.parse(Buffer.concat(parts))
    pubsub.publish('news', { leaderboard: news.last })
  }
  response.writeHead(200, { 'content-length': '2' }).end('{}')
})

useServer({
  execute: args => args.rootValue.execute(args),
  subscribe: args => args.rootValue.subscribe(args),
  onSubscribe: async (context, _id, params) => {
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
      ...context, req: context.extra.request, socket: context.extra.socket, params
    })
    const document = parse(params.query)
    const errors = validate(schema, document)
    if (errors.length) return errors
    return {
      schema,
      document,
      operationName: params.operationName,
      variableValues: params.variables,
      contextValue: await contextFactory(),
      rootValue: { execute, subscribe }
    }
  }
}, new WebSocketServer({ server, path: yoga.graphqlEndpoint }))

server.listen(Number(process.argv[2]), '127.0.0.1', 2048)
