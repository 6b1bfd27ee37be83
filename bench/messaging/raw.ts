/** A message put in, taken with its lane, and ended by hand, in node:sqlite: the fewest rows, columns and indexes that do. */
import { DatabaseSync } from 'node:sqlite'

const schema = `
  create table mailboxes (user_id text, mailbox text, count integer, bytes integer, primary key (user_id, mailbox));
  create table lanes (user_id text, mailbox text, lane text, depth integer, head integer, due integer, token text,
    primary key (user_id, mailbox, lane));
  create index lanes_free on lanes (user_id, mailbox, due, head) where depth > 0 and token is null;
  create table messages (user_id text, mailbox text, seq integer, id text, lane text, sender text, type text,
    payload text, bytes integer, thread_id text, envelope text, state text, due integer, created_at integer,
    expires_at integer, dedupe_id text, attempts integer, token text, ended_at integer,
    primary key (user_id, mailbox, seq));
  create unique index messages_id on messages (user_id, id);
  create index messages_lane on messages (user_id, mailbox, lane, seq) where state = 'ready';
  create index messages_done on messages (user_id, mailbox, ended_at) where state = 'done';`

export interface Raw {
  /** Puts so many into the mailbox first. */
  fill(depth: number): Promise<void>
  /** @returns messages sent, received and acknowledged per second */
  run(forMs: number): Promise<number>
  close(): Promise<unknown>
}

/** @param group messages that share each durable transaction */
export function openBareRows(path: string, group: number): Raw {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16384')
  db.exec(schema)
  const put = db.prepare(`insert into messages (user_id, mailbox, seq, id, lane, sender, type, payload, bytes,
    envelope, state, due, created_at, attempts) values ('ada', 'Box', ?, ?, ?, 'Sender', 'note', ?, 200, '{}', 'ready', ?, ?, 0)`)
  const count = db.prepare(`insert into mailboxes values ('ada', 'Box', 1, ?)
    on conflict do update set count = count + 1, bytes = bytes + excluded.bytes`)
  const appendToLane = db.prepare(`insert into lanes values ('ada', 'Box', ?, 1, 0, ?, null)
    on conflict do update set depth = depth + 1`)
  const head = db.prepare(`select seq, id, payload from messages where user_id = 'ada' and mailbox = 'Box' and lane = ?
    and state = 'ready' order by seq limit 1`)
  const lease = db.prepare(`update messages set token = ?, attempts = attempts + 1
    where user_id = 'ada' and mailbox = 'Box' and seq = ?`)
  const leaseLane = db.prepare(`update lanes set token = ? where user_id = 'ada' and mailbox = 'Box' and lane = ?`)
  const end = db.prepare(`update messages set state = 'done', token = null, ended_at = ?
    where user_id = 'ada' and mailbox = 'Box' and seq = ? and token = ?`)
  const leave = db.prepare(`update lanes set depth = depth - 1, token = null
    where user_id = 'ada' and mailbox = 'Box' and lane = ?`)
  const less = db.prepare(`update mailboxes set count = count - 1, bytes = bytes - ?
    where user_id = 'ada' and mailbox = 'Box'`)
  const payload = JSON.stringify({ text: 'x'.repeat(200) })
  const grouped = (run: (i: number) => void, times: number) => {
    db.exec('begin immediate')
    for (let i = 0; i < times; i++) run(i)
    db.exec('commit')
  }
  let n = 0
  const send = (lane: string) => {
    const at = Date.now()
    const id = `message-${n}`
    put.run(n++, id, lane, payload, at, at)
    count.run(payload.length)
    appendToLane.run(lane, at)
  }
  const round = () => {
    grouped((i) => send(`lane-${i}`), group)
    const leased: { seq: number; lane: string }[] = []
    grouped((i) => {
      const lane = `lane-${i}`
      const { seq, payload: text } = head.get(lane) as { seq: number; payload: string }
      JSON.parse(text)
      lease.run('token', seq)
      leaseLane.run('token', lane)
      leased.push({ seq, lane })
    }, group)
    grouped((i) => {
      const { seq, lane } = leased[i] as { seq: number; lane: string }
      end.run(Date.now(), seq, 'token')
      leave.run(lane)
      less.run(payload.length)
    }, group)
  }
  return openRawSql(db, { group, put: (times) => grouped((i) => send(`lane-${i % group}`), times), round })
}

interface Steps {
  readonly group: number
  /** Puts so many in, in one transaction. */
  put(times: number): void
  /** Sends, receives and acknowledges a group. */
  round(): void
}

export function openRawSql(db: DatabaseSync, { group, put, round }: Steps): Raw {
  return {
    async fill(depth) {
      for (let from = 0; from < depth; from += 1_000) put(Math.min(1_000, depth - from))
    },
    async run(forMs) {
      const started = performance.now()
      let done = 0
      for (; performance.now() - started < forMs; done += group) round()
      return (done / (performance.now() - started)) * 1_000
    },
    close: async () => db.close(),
  }
}
