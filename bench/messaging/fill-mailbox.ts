/** Over the network of a server a mailbox takes many minutes to fill: copies of what waits in it are put behind in bulk. */
import { Client } from 'pg'

const chunk = 100_000

/** @param by so many messages more, spread over the lanes; what waits of each lane already is the pattern of its copies */
export async function deepen(url: string, schema: string, by: number): Promise<void> {
  const client = new Client({ connectionString: url, options: `-c search_path=${schema}` })
  await client.connect()
  const { rows } = await client.query(
    `select column_name as name from information_schema.columns where table_schema = $1 and table_name = 'messages'`,
    [schema],
  )
  const columns: readonly string[] = rows.map(({ name }) => name)
  const copied = columns.map(
    (name) => ({ seq: 'b.next_seq + n', id: `'deep-' || (b.next_seq + n)` })[name] ?? `t.${name}`,
  )
  for (let left = by; left > 0; left -= chunk) {
    const count = Math.min(chunk, left)
    await client.query('begin')
    await client.query(
      `insert into messages (${columns}) select ${copied} from generate_series(1, $1::int) n
        join (select row_number() over () - 1 as i, count(*) over () as lanes, lane, head_seq from mailbox_lanes) l
          on l.i = n % l.lanes
        join messages t on t.seq = l.head_seq cross join mailboxes b`,
      [count],
    )
    await client.query(
      `update mailbox_lanes l set depth = (select count(*) from messages m where m.lane = l.lane and m.state = 'ready')`,
    )
    await client.query(
      `update mailboxes b set next_seq = next_seq + $1, count = count + $1,
      bytes = (select sum(m.bytes) from messages m where m.state = 'ready')`,
      [count],
    )
    await client.query('commit')
    process.stderr.write(`\r${schema}: ${(by - left + count).toLocaleString('en')} messages put behind `)
  }
  process.stderr.write('\n')
  await client.end()
}
