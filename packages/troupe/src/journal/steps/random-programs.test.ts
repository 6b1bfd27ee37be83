import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { keyValuesOf, user } from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import { carryOut, effectOf, type Kill, type Stage, step, writeBook } from './step-program.test.fixture.ts'

/** A small language of steps: each node is one call of ctx, or several in sequence, in parallel, or racing. */
type Node =
  | { readonly do: 'read' | 'push' | 'swap'; readonly key: string }
  | { readonly do: 'now' | 'commit' | 'loose commit' | 'ask' }
  | {
      readonly do: 'effect'
      readonly name: string
      readonly of: 'pure' | 'read' | 'idempotent' | 'at-most-once'
      readonly reconciles: boolean
    }
  | { readonly do: 'sequence' | 'parallel' | 'race'; readonly nodes: readonly Node[] }
  | { readonly do: 'body' | 'after-commit'; readonly name: string; readonly node: Node }

/** Few names, so that calls of one name meet. */
const name = fc.constantFrom('x', 'y')
const leaf = fc.oneof(
  fc.record({ do: fc.constantFrom('read' as const, 'push' as const), key: name }),
  fc.record({ do: fc.constantFrom('now' as const, 'commit' as const, 'loose commit' as const) }),
  fc.record({
    do: fc.constant('effect' as const),
    name,
    of: fc.constantFrom('pure' as const, 'read' as const, 'idempotent' as const, 'at-most-once' as const),
    reconciles: fc.boolean(),
  }),
)
const tree = (
  kinds: readonly ('sequence' | 'parallel' | 'race')[],
  more: fc.Arbitrary<Node>[] = [],
): fc.Arbitrary<Node> =>
  fc.letrec<{ node: Node }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(leaf, ...more),
      fc.record({ do: fc.constantFrom(...kinds), nodes: fc.array(tie('node'), { minLength: 1, maxLength: 4 }) }),
      fc.record({
        do: fc.constantFrom('body' as const, 'body' as const, 'after-commit' as const),
        name,
        node: tie('node'),
      }),
    ),
  })).node as fc.Arbitrary<Node>

const kills = fc.array(
  fc.oneof(
    fc.record({ at: fc.integer({ min: 1, max: 10 }), when: fc.constantFrom('before' as const, 'after' as const) }),
    fc.record({ macrotasks: fc.integer({ min: 0, max: 200 }) }),
  ),
  { maxLength: 5 },
) as fc.Arbitrary<(Kill | { macrotasks: number })[]>

function compileProgram(program: Node) {
  return (stage: Stage) => {
    const keyValues = keyValuesOf(stage.instance.storage)
    const { inbox } = stage.instance
    const effect = effectOf(stage)
    const run = async (recorder: Recorder, node: Node): Promise<Json> => {
      switch (node.do) {
        case 'read':
          return (await keyValues.get(recorder, `read ${node.key}`)).value
        case 'push':
          keyValues.push(recorder, node.key, 0)
          return null
        case 'swap': {
          const { version } = await keyValues.get(recorder, `swap ${node.key}`)
          keyValues.push(recorder, `swap ${node.key}`, 0, version)
          return null
        }
        case 'now':
          return recorder.answerNow({ kind: 'now', name: '' }, () => 7)
        case 'commit':
          await recorder.commit()
          return null
        case 'loose commit':
          recorder.commit().catch(() => {})
          return null
        case 'after-commit': {
          const committed = recorder.commit()
          const [result] = await Promise.all([run(recorder, node.node), committed])
          return result
        }
        case 'ask':
          return recorder.wait({
            call: { kind: 'request', name: 'q' },
            input: null,
            notify: (address) => inbox.put(user, 'run:1', step, `ask ${address}`, { ask: 'q', address }),
          })
        case 'effect':
          // It is in no record: would it take its time, calls of one name beside it could change places between two lives.
          if (node.of === 'pure') return recorder.effect(node.name, { class: 'pure' }, () => node.name)
          return effect(recorder, `${node.name} ${node.of}`, node.of, null, node.reconciles)
        case 'sequence': {
          const results: Json[] = []
          for (const each of node.nodes) results.push(await run(recorder, each))
          return results
        }
        case 'parallel':
          return Promise.all(node.nodes.map((each) => run(recorder, each)))
        case 'race':
          return Promise.race(node.nodes.map((each) => run(recorder, each)))
        case 'body':
          return recorder.body(node.name, (inner) => run(inner, node.node))
      }
    }
    return (recorder: Recorder) => run(recorder, program)
  }
}

/** How often it can push at most: each node is run once. */
function pushesOf(node: Node): number {
  if (node.do === 'push') return 1
  if ('node' in node) return pushesOf(node.node)
  return 'nodes' in node ? node.nodes.reduce((sum, each) => sum + pushesOf(each), 0) : 0
}

const swapsOf = (node: Node): number =>
  node.do === 'swap'
    ? 1
    : 'nodes' in node
      ? node.nodes.reduce((sum, each) => sum + swapsOf(each), 0)
      : 'node' in node
        ? swapsOf(node.node)
        : 0

const atMostOnceCounts = (course: Awaited<ReturnType<typeof carryOut>>) =>
  [...course.outside.done]
    .filter(([key]) => course.outside.names.get(key)?.endsWith(' at-most-once'))
    .map(([, times]) => times)

describe('random programs of calls, killed anywhere', () => {
  it('A program of sequential and parallel calls that is killed anywhere ends as if nothing had happened.', async () => {
    const ask = fc.constant<Node>({ do: 'ask' })
    await fc.assert(
      fc.asyncProperty(
        tree(['sequence', 'parallel'], [ask]),
        kills,
        fc.string({ maxLength: 3 }),
        async (program, deaths, seed) => {
          const programFor = compileProgram(program)
          const calm = await carryOut({ kills: [], programFor, seed })
          const course = await carryOut({ kills: deaths, programFor, seed })
          expect(calm.end.status).toBe('completed')
          expect(course.end).toEqual(calm.end)
          expect(course.writes.toSorted()).toEqual(calm.writes.toSorted())
          expect(course.reported).toEqual(calm.reported)
          expect(course.outside.violations).toEqual([])
          expect(atMostOnceCounts(course).every((times) => times === 1)).toBe(true)
          expect(atMostOnceCounts(course).length).toBe(atMostOnceCounts(calm).length)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('A program with races that is killed anywhere ends, is reported once, and pays nothing twice.', async () => {
    await fc.assert(
      fc.asyncProperty(
        tree(['sequence', 'parallel', 'race']),
        kills,
        fc.string({ maxLength: 3 }),
        async (program, deaths, seed) => {
          const course = await carryOut({ kills: deaths, programFor: compileProgram(program), seed })
          expect(course.end.status).toBe('completed')
          expect(course.reported).toHaveLength(1)
          expect(course.outside.violations).toEqual([])
          expect(atMostOnceCounts(course).every((times) => times === 1)).toBe(true)
          const own = course.writes.filter((write) => write.startsWith('x=') || write.startsWith('y='))
          expect(own.length).toBeLessThanOrEqual(pushesOf(program))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('A program whose versions others change between its executions ends, and pays nothing twice.', async () => {
    const swap = fc.record({ do: fc.constant('swap' as const), key: fc.constant('x') })
    await fc.assert(
      fc.asyncProperty(
        tree(['sequence', 'parallel', 'race'], [swap, fc.constant<Node>({ do: 'ask' })]),
        kills,
        async (program, deaths) => {
          const course = await carryOut({
            kills: deaths,
            programFor: compileProgram(program),
            meddle: async (testbed) =>
              void (await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('swap x', 'theirs') })),
          })
          // A step that swaps one key twice in a turn contradicts itself, and fails for good; one whose repetition goes
          // another way may leave an effect unused.
          expect(['completed', 'failed']).toContain(course.end.status)
          if (course.end.status === 'failed')
            expect(['turn.conflict', 'effect.unused']).toContain(course.end.error.code)
          expect(course.reported).toHaveLength(1)
          expect(course.outside.violations).toEqual([])
          expect(atMostOnceCounts(course).every((times) => times === 1)).toBe(true)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('A program whose bodies write the same version ends with every write.', async () => {
    const more = fc.array(fc.constantFrom<Node>({ do: 'commit' }, { do: 'ask' }, { do: 'now' }), { maxLength: 2 })
    const swap: Node = { do: 'swap', key: 'x' }
    const around = fc.tuple(more, more)
    // Tool calls, and helpers with tool calls of their own in two turns.
    const body = fc.oneof(
      around.map(([before, after]): Node => ({ do: 'sequence', nodes: [...before, swap, ...after] })),
      fc
        .tuple(around, fc.array(around, { minLength: 1, maxLength: 3 }), fc.boolean(), around)
        .map(([[before, after], calls, commits, last]): Node => {
          const tools = calls.map(([first, then], i): Node => {
            const node: Node = { do: 'sequence', nodes: [...first, swap, ...then] }
            return { do: 'body', name: `tool ${i}`, node }
          })
          const turn: Node[] = [{ do: 'parallel', nodes: tools }, ...(commits ? [{ do: 'commit' } as const] : [])]
          const one: Node = {
            do: 'body',
            name: 'last',
            node: { do: 'sequence', nodes: [...last[0], swap, ...last[1]] },
          }
          return { do: 'sequence', nodes: [...before, ...turn, ...after, ...(commits ? [one] : [])] }
        }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), kills, async (bodies, deaths) => {
        const nodes = bodies.map((node, i): Node => ({ do: 'body', name: `body ${i}`, node }))
        const program: Node = { do: 'parallel', nodes }
        const course = await carryOut({ kills: deaths, programFor: compileProgram(program) })
        expect(course.end.status).toBe('completed')
        expect(course.writes.filter((write) => write.startsWith('swap x='))).toHaveLength(swapsOf(program))
        expect(course.reported).toHaveLength(1)
      }),
      { numRuns: Number(process.env.TROUPE_RUNS ?? 100) },
    )
  })
})
