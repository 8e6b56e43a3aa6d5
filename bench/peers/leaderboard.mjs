// The leaderboard that every peer serves: the same types, and what is posted goes to all subscribers.

export const typeDefs = /* GraphQL */ `
  enum StandingState { NOT_STARTED ON_COURSE FINISHED }
  type Standing {
    key: String!  rank: Int  bib: String  name: String!  state: StandingState!  lap: Int  gunTime: Float
  }
  type LeaderboardUpdate { revision: Int!  snapshot: Boolean!  standings: [Standing!]!  removed: [String!]! }
  type Query { ready: Boolean }
  type Subscription { leaderboard(raceId: ID!, top: Int!): LeaderboardUpdate! }
`

export const news = { last: { revision: 0, snapshot: true, standings: [], removed: [] } }

export async function * following (updates) {
  yield { leaderboard: news.last }
  yield * updates
}
