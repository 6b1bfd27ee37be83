/** Random operations of users and agents, and what they do to a mesh: for the property tests of this module. */
import fc from 'fast-check'
import { Access } from '../security/index.ts'
import type { ContextClient, PushOptions } from './context-client.ts'
import type { Mesh } from './mesh.ts'
import type { TopicPolicy } from './writes/topics.ts'

export const roles = {
  A: 'contributor',
  B: 'contributor',
  M: 'moderator',
  Ad: 'admin',
  R: 'readonly',
  host: 'host',
} as const
export type Name = keyof typeof roles
export const keys = ['', 'a', 'a.b', 'a.b.c', 'é', '\u{10000}', '\uffff']

const user = fc.constantFrom('ada', 'bob')
const agent = fc.constantFrom<Name>('A', 'B', 'M', 'Ad', 'R', 'host')
const key = fc.constantFrom(...keys)
const topic = fc.constantFrom('x', 'y', 'z')
const topics = fc.subarray(['x', 'y', 'z'])
const named = fc.subarray(['A', 'B', 'M'])

const pushOptions = fc.record(
  {
    audience: fc.oneof(
      { weight: 4, arbitrary: fc.constant({}) },
      fc.constant({ audience: 'everyone' as const }),
      fc.constant({ audience: 'owner' as const }),
      fc.record({ topics }),
      fc.record({ subscribers: named }),
      fc.record({ topics, subscribers: named }),
    ),
    writers: fc.constantFrom('owner' as const, 'readers' as const, ['A'], ['B', 'M']),
    ttlMs: fc.constantFrom(10, 1_000),
    ifVersion: fc.constantFrom(0, 1, 2, 3),
  },
  { requiredKeys: ['audience'] },
)
const policy = fc.record({ subscribe: named, post: named }, { requiredKeys: [] })
const value = fc.integer({ min: 0, max: 1_000 })
interface RandomPush {
  readonly audience: Pick<PushOptions, 'audience' | 'topics' | 'subscribers'>
  readonly writers?: 'owner' | 'readers' | readonly string[]
  readonly ttlMs?: number
  readonly ifVersion?: number
}
interface By {
  readonly user: string
  readonly agent: Name
}
export type Action =
  | (By & { readonly type: 'push'; readonly key: string; readonly value: number; readonly options: RandomPush })
  | (By & { readonly type: 'delete'; readonly key: string; readonly ifVersion: number | undefined })
  | (By & { readonly type: 'subscribe'; readonly topics: readonly string[] })
  | (By & { readonly type: 'unsubscribe'; readonly topics: readonly string[] })
  | (By & { readonly type: 'deleteTopic'; readonly topic: string })
  | { readonly type: 'policy'; readonly user: string; readonly topic: string; readonly policy: TopicPolicy }
  | { readonly type: 'cleanup'; readonly user: string }
  | { readonly type: 'clear'; readonly user: string }
export type Operation = Action | { readonly type: 'wait'; readonly ms: number }

const one = (type: Operation['type'], fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<unknown> as fc.Arbitrary<Operation>

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: one('push', { user, agent, key, value, options: pushOptions }) },
  { weight: 2, arbitrary: one('delete', { user, agent, key, ifVersion: fc.constantFrom(undefined, 1, 2) }) },
  { weight: 3, arbitrary: one('subscribe', { user, agent, topics }) },
  { weight: 2, arbitrary: one('unsubscribe', { user, agent, topics }) },
  { weight: 1, arbitrary: one('policy', { user, topic, policy }) },
  { weight: 1, arbitrary: one('deleteTopic', { user, agent, topic }) },
  { weight: 1, arbitrary: one('cleanup', { user }) },
  { weight: 1, arbitrary: one('clear', { user }) },
  { weight: 2, arbitrary: one('wait', { ms: fc.constantFrom(5, 10, 500) }) },
)
export const clientOf = (mesh: Mesh, of: string, name: Name): ContextClient =>
  name === 'host' ? mesh.host(of) : mesh.agent(of, name, new Access({ role: roles[name] }))

export function pushOptionsOf({ audience, ttlMs, ...rest }: RandomPush): PushOptions {
  return { ...rest, ...audience, ...(ttlMs === undefined ? {} : { ttl: `${ttlMs}ms` }) }
}

export function onMesh(mesh: Mesh, operation: Action): Promise<unknown> {
  const host = mesh.host(operation.user)
  if (operation.type === 'cleanup') return host.cleanup()
  if (operation.type === 'clear') return host.clear()
  if (operation.type === 'policy') return host.setTopicPolicy(operation.topic, operation.policy)
  const client = clientOf(mesh, operation.user, operation.agent)
  if (operation.type === 'push')
    return client
      .push(operation.key, operation.value, pushOptionsOf(operation.options))
      .then(({ version, revision }) => ({ version, revision }))
  if (operation.type === 'delete')
    return client.delete(operation.key, operation.ifVersion === undefined ? {} : { ifVersion: operation.ifVersion })
  if (operation.type === 'subscribe') return client.subscribe(operation.topics)
  if (operation.type === 'unsubscribe') return client.unsubscribe(operation.topics)
  return client
    .deleteTopic(operation.topic)
    .then(({ subscribersAffected, entriesDeleted }) => ({ subscribersAffected, entriesDeleted }))
}
