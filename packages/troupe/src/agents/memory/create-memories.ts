/** Memories in storage: one row an item, its vector in it, so that nothing of it outlives it. */
import { sql } from 'kysely'
import { canonicalJson, decodeJson, type Provenance, type TaintLabel } from '../../core/index.ts'
import { type Dialect, type Now, oneOf, type Row, type Storage, templates } from '../../storage/index.ts'
import { memoryContent } from '../agents-migrations.ts'
import type { FormerMemory, Memories, MemoryItem } from './memories-port.ts'

const maxVersions = 20
const now: Now = { $: 'now' }

export function createMemories({
  storage,
}: {
  readonly storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
}): Memories {
  const queries = compile(storage.dialect)
  return {
    async read(user, memory) {
      const [rows] = await storage.read({ user }, [queries.all({ user, memory }, { returns: true })])
      return (rows ?? []).map(itemOf)
    },
    async history(user, memory, id) {
      const [rows] = await storage.read({ user }, [queries.history({ user, memory, id }, { returns: true })])
      return (rows ?? []).map(formerOf)
    },
    put(user, memory, { id, content, priority, agent, source, provenance, taint }, capacity) {
      const item = {
        ...{ user, memory, id, priority, agent, source, now },
        content: canonicalJson(content),
        provenance: JSON.stringify(provenance),
        taint: JSON.stringify(taint),
      }
      return {
        statements: [
          queries.saveVersion({ user, memory, id }),
          queries.put(item),
          queries.trim({ user, memory, capacity }),
          queries.prune({ user, memory, id }),
          queries.orphans({ user, memory }),
        ],
      }
    },
    forget: (user, memory, ids) => ({
      statements: ids.flatMap((id) => [queries.drop({ user, memory, id }), queries.dropHistory({ user, memory, id })]),
    }),
    forgetSource: (user, source) => ({
      statements: [queries.dropSourceHistory({ user, source }), queries.dropSource({ user, source })],
    }),
    async storeVectors(user, memory, items) {
      const statements = items.map(({ id, version, vector }) =>
        queries.vector({ user, memory, id, version, model: vector.model, vector: toBase64(vector.numbers) }),
      )
      await storage.commit({ id: null, scope: { user }, statements }).catch(() => undefined)
    },
  }
}

const toBase64 = (numbers: Float32Array) =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64')
function fromBase64(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  return new Float32Array(bytes.buffer)
}

const formerOf = (row: Row): FormerMemory => ({
  content: decodeJson(String(row.content)),
  version: Number(row.version),
  provenance: JSON.parse(String(row.provenance)) as Provenance,
  taint: JSON.parse(String(row.taint)) as readonly TaintLabel[],
  at: new Date(Number(row.at)).toISOString(),
})
const itemOf = (row: Row): MemoryItem => ({
  ...formerOf(row),
  id: String(row.id),
  priority: Number(row.priority),
  agent: String(row.agent),
  source: String(row.source),
  ...(typeof row.vector === 'string'
    ? { vector: { model: String(row.vector_model), numbers: fromBase64(row.vector) } }
    : {}),
})

type MemoryKey = { user: string; memory: string }
type Item = MemoryKey & { id: string }

function compile(dialect: Dialect) {
  const statement = templates(dialect)
  const at = (p: Item) => sql`user_id = ${p.user} and memory = ${p.memory} and id = ${p.id}`
  return {
    all: statement<MemoryKey>(
      (p) => sql`select id, version, content, priority, agent, source, provenance, taint, at, vector_model, vector
        from memory_items where user_id = ${p.user} and memory = ${p.memory} order by priority desc, seq desc, id desc`,
      memoryContent,
    ),
    history: statement<Item>(
      (p) =>
        sql`select version, content, provenance, taint, at from memory_history where ${at(p)} order by version desc`,
      memoryContent,
    ),
    saveVersion: statement<Item>(
      (p) => sql`insert into memory_history (user_id, memory, id, version, content, source, provenance, taint, at)
        select user_id, memory, id, version, content, source, provenance, taint, at from memory_items where ${at(p)}`,
    ),
    put: statement<
      Item & {
        content: string
        priority: number
        agent: string
        source: string
        provenance: string
        taint: string
        now: Now
      }
    >(
      (p) => sql`insert into memory_items
        (user_id, memory, id, version, content, priority, agent, source, provenance, taint, at, seq)
        values (${p.user}, ${p.memory}, ${p.id}, 1, ${p.content}, ${p.priority}, ${p.agent}, ${p.source},
          ${p.provenance}, ${p.taint}, ${p.now},
          (select coalesce(max(seq), 0) + 1 from memory_items where user_id = ${p.user} and memory = ${p.memory}))
        on conflict (user_id, memory, id) do update set version = memory_items.version + 1, content = excluded.content,
          priority = excluded.priority, agent = excluded.agent, source = excluded.source,
          provenance = excluded.provenance, taint = excluded.taint, at = excluded.at, seq = excluded.seq, vector_model = null, vector = null`,
      memoryContent,
    ),
    trim: statement<MemoryKey & { capacity: number }>((p) => {
      const over = sql`select id from memory_items where user_id = ${p.user} and memory = ${p.memory}
          order by priority desc, seq desc, id desc limit 1000000 offset ${p.capacity}`
      return sql`delete from memory_items
          where user_id = ${p.user} and memory = ${p.memory} and id ${oneOf(dialect, over)}`
    }),
    prune: statement<Item>(
      (p) => sql`delete from memory_history where ${at(p)} and version <
        (select version from memory_items where ${at(p)}) - ${sql.lit(maxVersions)}`,
    ),
    orphans: statement<MemoryKey>(
      (p) => sql`delete from memory_history where user_id = ${p.user} and memory = ${p.memory} and id not in (
        select id from memory_items where user_id = ${p.user} and memory = ${p.memory})`,
    ),
    drop: statement<Item>((p) => sql`delete from memory_items where ${at(p)}`),
    dropHistory: statement<Item>((p) => sql`delete from memory_history where ${at(p)}`),
    dropSource: statement<{ user: string; source: string }>(
      (p) => sql`delete from memory_items where user_id = ${p.user} and source = ${p.source}`,
    ),
    dropSourceHistory: statement<{ user: string; source: string }>(
      (p) => sql`delete from memory_history where user_id = ${p.user} and (source = ${p.source} or exists (
        select 1 from memory_items i where i.user_id = ${p.user} and i.source = ${p.source}
        and i.memory = memory_history.memory and i.id = memory_history.id))`,
    ),
    vector: statement<Item & { version: number; model: string; vector: string }>(
      (p) => sql`update memory_items set vector_model = ${p.model}, vector = ${p.vector}
        where ${at(p)} and version = ${p.version}`,
      memoryContent,
    ),
  }
}
