import { describe, expect, it } from 'vitest'
import { auditedTroupes } from '../../../../test/postgres/audited-troupes.ts'
import { server } from '../../../../test/postgres/postgres-server.ts'
import { systemClock } from '../../../core/index.ts'
import type { Troupe, TroupeConfig } from '../../../index.ts'
import { type Checkpoint, verifyAudit } from '../../../operations.ts'
import { leafHash } from '../../index.ts'
import { MerkleTree } from './merkle.ts'
import { prunableSubtrees, type WindowLeaf } from './tree-pruner.ts'
import { includes } from './verify-proofs.test.fixture.ts'

const { missing, schema, publicKey, key, opened } = await auditedTroupes('pruned')

it('The pruned subtrees of a window are the largest that hold no leaf that stays.', () => {
  const leaves = (text: string): WindowLeaf[] =>
    [...text].flatMap((letter, n) => {
      if (letter === ' ') return []
      return [{ n: 8 + n, state: letter === 'p' ? 'prunable' : letter === 'r' ? 'retained' : 'later' }]
    })
  const found = (text: string) => prunableSubtrees({ first: 8, level: 3 }, leaves(text))
  expect(found('pppppppp')).toEqual([{ first: 8, level: 3 }])
  expect(found('pprppppp')).toEqual([
    { first: 8, level: 1 },
    { first: 12, level: 2 },
  ])
  expect(found('    ppll')).toEqual([{ first: 12, level: 1 }])
  expect(found('prprprpr')).toEqual([])
  expect(found('        ')).toEqual([])
})

it('A tree that gets complete subtrees in place of their leaves has the same root and the same nodes.', () => {
  const hashes = Array.from({ length: 21 }, (_, n) => leafHash(`leaf ${n}`))
  const complete = new MerkleTree()
  const nodes = hashes.map((hash) => complete.append(hash))
  const parts = new MerkleTree()
  parts.append((nodes[7] as readonly Buffer[])[2] as Buffer, 3)
  expect(parts.append((nodes[15] as readonly Buffer[])[2] as Buffer, 3)).toEqual([(nodes[15] as readonly Buffer[])[3]])
  for (const hash of hashes.slice(16)) parts.append(hash)
  expect([parts.size, parts.root()]).toEqual([21, complete.root()])
})

const storages = [
  { name: 'in memory', storage: () => 'memory:' as TroupeConfig['storage'], skip: false },
  { name: 'on PostgreSQL', storage: () => ({ url: server, schema }), skip: missing !== undefined },
]
describe.each(storages)('A tree $name', ({ storage, skip }) => {
  /** PostgreSQL retires by its own clock, so the records are of three days ago. */
  async function pruned() {
    let hours = -72
    const clock = { ...systemClock, now: () => systemClock.now() + hours * 3_600_000 }
    const checkpoints: Checkpoint[] = []
    const to = (checkpoint: Checkpoint) => void checkpoints.push(checkpoint)
    const audit = { retention: '1h', checkpoints: { key, to, every: '1h' } } as const
    const troupe = await opened({ storage: storage(), clock, audit })
    const { context } = troupe.user('ada').agent('A')
    const write = async (from: number, count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => context.push(`k${(from + n) % 20}`, n)))
    await write(0, 700)
    troupe.audit.record({ actor: 'host', operation: 'import', resource: 'orders', allowed: true })
    await write(700, 700)
    await troupe.audit.checkpoint()
    const complete = await troupe.audit.tree()
    hours += 30
    await write(0, 10)
    await troupe.audit.checkpoint()
    expect(await troupe.audit.retireRecords()).toBe(1_400)
    await troupe.audit.checkpoint()
    return { troupe, checkpoints, complete }
  }
  const linesOf = async (troupe: Troupe) => {
    const lines: string[] = []
    for await (const line of troupe.audit.export()) lines.push(line)
    return lines
  }

  it.skipIf(skip)(
    'The audit log removes the leaves of retired records and stays verifiable.',
    { timeout: 60_000 },
    async () => {
      const { troupe, checkpoints, complete } = await pruned()
      const lines = await linesOf(troupe)
      // The first 1,024 leaves without the one of what the host did; the window behind them is not complete.
      expect(lines.filter((line) => line.includes('"digest"')).length).toBeLessThan(1_401 - 1_000)
      const report = await verifyAudit({ export: lines, checkpoints, publicKey })
      expect(report).toMatchObject({ ok: true, retired: 1_400, findings: [] })
      expect(report.covered).toBe(report.size)
      expect(report.size).toBeGreaterThan(complete.size)
      expect(report.checkpoints).toBe(3)
      // What stayed can be proven still.
      const [record] = (await troupe.audit.list({ operation: 'import' })).items
      const { leaf, index, size, path, root } = await troupe.audit.inclusion(record?.id ?? '')
      const proof = path.map((text) => Buffer.from(text, 'base64url'))
      expect(includes(leafHash(leaf), index, size, proof, Buffer.from(root, 'base64url'))).toBe(true)
      // A second round finds nothing.
      expect(await troupe.audit.retireRecords()).toBe(0)
      expect((await troupe.audit.list({ operation: 'audit.prune' })).items).toHaveLength(1)
    },
  )

  it.skipIf(skip)(
    'The verifier finds removed leaves without a signed record, and roots that were not signed.',
    { timeout: 60_000 },
    async () => {
      const { troupe, checkpoints } = await pruned()
      const lines = await linesOf(troupe)
      const verify = (changed: readonly string[]) => verifyAudit({ export: changed, checkpoints, publicKey })
      const unsigned = lines.map((line) => {
        const parsed = JSON.parse(line)
        if (parsed.record?.operation === 'audit.prune') parsed.record.signature = null
        return JSON.stringify(parsed)
      })
      const first = { kind: 'missing', n: 0, problem: expect.stringMatching(/^leaves 0 to \d+ are gone$/) }
      expect((await verify(unsigned)).findings).toContainEqual(first)
      const other = lines.map((line) =>
        line.includes('"first":0,') ? JSON.stringify({ ...JSON.parse(line), hash: 'A'.repeat(43) }) : line,
      )
      expect((await verify(other)).findings[0]).toMatchObject({ kind: 'rewritten' })
      const system = lines.find((line) => line.includes('"import"')) as string
      const { n } = JSON.parse(system)
      const odd = lines.map((line) => JSON.parse(line)).find((line) => line.n === n + 1 - (n % 2))
      const pairHash = odd.nodes[0]
      const hidden = lines.flatMap((line) => {
        const parsed = JSON.parse(line)
        // Of the pair that the leaf is in the root stays: it is a hash that was signed.
        if (line === system) return [JSON.stringify({ first: n - (n % 2), level: 1, hash: pairHash })]
        return parsed.n === n - (n % 2) || parsed.n === n + 1 - (n % 2) ? [] : [line]
      })
      const problem = expect.stringMatching(/^leaves of what the troupe did are gone among 0 to \d+$/)
      expect((await verify(hidden)).findings).toEqual([{ kind: 'missing', n: 0, problem }])
      const without = lines.filter((line) => !line.includes('"first":0,'))
      expect((await verify(without)).findings[0]).toMatchObject({ kind: 'missing', n: 0 })
    },
  )
})
