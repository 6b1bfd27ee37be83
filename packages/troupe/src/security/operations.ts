/** The operations that outside callers can be allowed, by name; routes of the server and API keys use these names. */
import { failure, invalidInput, nearest } from '../core/index.ts'

export const operations = [
  'agents.list',
  'approvals.list',
  'audit.read',
  'context.batch',
  'context.clear',
  'context.delete',
  'context.push',
  'context.read',
  'context.subscribe',
  'context.watch',
  'api-keys.manage',
  'api-keys.read',
  'messages.read',
  'messages.receive',
  'messages.redrive',
  'messages.send',
  'metrics.read',
  'runs.answer',
  'runs.approve',
  'runs.call-tool',
  'runs.command',
  'runs.fork',
  'runs.live',
  'runs.read',
  'runs.resolve',
  'runs.start',
  'schedules.manage',
  'schedules.read',
  'threads.delete',
  'topics.manage',
  'teams.read',
  'usage.read',
] as const
/** An operation that a caller from outside can be allowed. */
export type Operation = (typeof operations)[number]

/** One operation, all with a prefix (`runs.*`), or all (`*`). */
export type OperationPattern = Operation | `${string}.*` | '*'

export const coversOperation = (patterns: readonly string[] | undefined, operation: Operation): boolean =>
  patterns === undefined ||
  patterns.some(
    (pattern) =>
      pattern === '*' ||
      pattern === operation ||
      (pattern.endsWith('.*') && operation.startsWith(pattern.slice(0, -1))),
  )

/** @throws ValidationError for a pattern that matches no operation, with the nearest name */
export function checkOperations(patterns: readonly string[]): readonly string[] {
  if (!Array.isArray(patterns)) throw invalidInput('operations', 'it must be a list of names')
  for (const pattern of patterns)
    if (!operations.some((operation) => coversOperation([String(pattern)], operation)))
      throw failure('option.unknown', {
        where: 'operations',
        option: String(pattern),
        nearest: nearest(String(pattern), operations) ?? 'runs.*',
      })
  return patterns
}
