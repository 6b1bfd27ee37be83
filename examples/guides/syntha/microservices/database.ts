/** Where the services meet: one PostgreSQL, from the environment as the guides have it. */
import { env } from 'node:process'

export const database = {
  url: env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  schema: env.DATABASE_SCHEMA ?? 'troupe',
}

/** A deal as Sales tells of it. */
export type Deal = {
  readonly id: string
  readonly amount: number
  /** ms since 1970, so that Analytics can say how long it took to hear of it. */
  readonly closedAt: number
}

export type Report = {
  readonly deals: number
  readonly revenue: number
}

/** What a service has to say, to whoever started it. */
export const print = (what: object): void => console.log(JSON.stringify(what))
