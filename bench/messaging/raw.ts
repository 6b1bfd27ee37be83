/** The same rows by hand: a message put in, taken with its lane, and ended, in node:sqlite, without anything of ours. */
import { DatabaseSync } from 'node:sqlite'

const schema = `
  create table mailboxes (user_id text, mailbox text, count integer, bytes integer, primary key (user_id, mailbox)) without rowid;
  create table lanes (user_id text, mailbox text, lane text, head integer, due integer, depth integer, token text,
    primary key (user_id, mailbox, lane)) without rowid;
  create index lanes_due on lanes (user_id, mailbox, due) where depth > 0;
  create table messages (seq integer primary key, user_id text, mailbox text, lane text, id text, state text,
    payload text, token text, at integer, ended_at integer);
  create unique index messages_id on messages (user_id, id);
  create index messages_lane on messages (user_id, mailbox, lane, seq) where state = 'ready';`

/** @returns messages sent, received and acknowledged per second, in groups that share a durable transaction */
export function raw(path: string, depth: number, group: number, forMs: number): number {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536')
  db.exec(schema)
  const put = db.prepare(`insert into messages (user_id, mailbox, lane, id, state, payload, at)
    values ('ada', 'Box', ?, ?, 'ready', ?, ?)`)
  const count = db.prepare(`insert into mailboxes values ('ada', 'Box', 1, ?)
    on conflict do update set count = count + 1, bytes = bytes + excluded.bytes`)
  const enter = db.prepare(`insert into lanes values ('ada', 'Box', ?, 0, ?, 1, null)
    on conflict do update set depth = depth + 1`)
  const head = db.prepare(`select seq, id, payload from messages where user_id = 'ada' and mailbox = 'Box' and lane = ?
    and state = 'ready' order by seq limit 1`)
  const lease = db.prepare(`update messages set token = ? where seq = ?`)
  const hold = db.prepare(`update lanes set token = ? where user_id = 'ada' and mailbox = 'Box' and lane = ?`)
  const end = db.prepare(`update messages set state = 'done', token = null, ended_at = ? where seq = ? and token = ?`)
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
    put.run(lane, `message-${n++}`, payload, at)
    count.run(payload.length)
    enter.run(lane, at)
  }
  for (let from = 0; from < depth; from += 1_000)
    grouped((i) => send(`lane-${i % group}`), Math.min(1_000, depth - from))
  const started = performance.now()
  let done = 0
  for (; performance.now() - started < forMs; done += group) {
    grouped((i) => send(`lane-${i}`), group)
    const taken: { seq: number; lane: string }[] = []
    grouped((i) => {
      const lane = `lane-${i}`
      const { seq, payload: text } = head.get(lane) as { seq: number; payload: string }
      JSON.parse(text)
      lease.run('token', seq)
      hold.run('token', lane)
      taken.push({ seq, lane })
    }, group)
    grouped((i) => {
      const { seq, lane } = taken[i] as { seq: number; lane: string }
      end.run(Date.now(), seq, 'token')
      leave.run(lane)
      less.run(payload.length)
    }, group)
  }
  const perSecond = (done / (performance.now() - started)) * 1_000
  db.close()
  return perSecond
}
