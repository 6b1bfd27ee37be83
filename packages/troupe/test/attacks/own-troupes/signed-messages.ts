/** Signed messages that somebody changes, moves, strips or repeats in the database. */
import { createTroupe, defineMessage, type TroupeConfig } from '../../../src/index.ts'
import { expectHarmless, type OwnAttack, type OwnStorage, ownRows } from './own-storage.ts'

const Pay = defineMessage<string>('pay')
const secret = (letter: string) => letter.repeat(40)
const signed = (keySecret: string): Partial<TroupeConfig> => ({
  messaging: { signatures: { keys: [{ id: 'one', secret: keySecret }] } } as never,
})
const opened = ({ storage }: OwnStorage, config: Partial<TroupeConfig> = signed(secret('a'))) =>
  createTroupe({ storage, log: 'silent', ...config })
type Opened = Awaited<ReturnType<typeof opened>>

async function drained(troupe: Opened, name: string, user = 'ada'): Promise<string[]> {
  const payloads: string[] = []
  const { mailbox } = troupe.user(user).agent(name)
  for (const delivery of await mailbox.receive({ max: 10 })) {
    payloads.push(String(delivery.message.payload))
    await delivery.ack()
  }
  return payloads
}

/** Two messages: one to B, which the attacker changes, one to C, which is left alone and has to arrive. */
async function sent(own: OwnStorage, config?: Partial<TroupeConfig>): Promise<void> {
  const troupe = await opened(own, config)
  for (const to of ['B', 'C']) await troupe.user('ada').agent('A').messages.send(Pay, 'pay 100', { to })
  await troupe.close()
}

const changedBy =
  (...statements: readonly string[]): OwnAttack =>
  async (own) => {
    await sent(own)
    for (const sql of statements) await own.query(sql)
    const troupe = await opened(own)
    try {
      expectHarmless((await drained(troupe, 'C')).length === 1, 'the message that nobody touched did not arrive')
      const got = [...(await drained(troupe, 'B')), ...(await drained(troupe, 'B', 'eve'))]
      return got.length > 0 ? `delivered ${got}` : undefined
    } finally {
      await troupe.close()
    }
  }

const ofB = "where mailbox = 'B'"
const tables = ['messages', 'mailbox_lanes', 'mailboxes']

export const signedMessages = ownRows(
  'signed',
  { family: 'inter-agent', source: 'a writer of the database', goal: 'be heard as another agent, or twice' },
  {
    'forged payload': changedBy(`update messages set payload = '"pay 9000"' ${ofB}`),
    'forged sender': changedBy(`update messages set sender = 'Boss' ${ofB}`),
    'forged type': changedBy(`update messages set type = 'order' ${ofB}`),
    stripped: changedBy(`update messages set signature = null ${ofB}`),
    'forged and stripped': changedBy(`update messages set payload = '"pay 9000"', signature = null ${ofB}`),
    'signature of another message': changedBy(
      `update messages set signature = (select signature from messages where mailbox = 'C') ${ofB}`,
    ),
    'moved to another mailbox': async (own) => {
      await sent(own)
      for (const table of tables) await own.query(`update ${table} set mailbox = 'Till' ${ofB}`)
      const troupe = await opened(own)
      const got = await drained(troupe, 'Till')
      expectHarmless((await drained(troupe, 'C')).length === 1, 'the message that nobody touched did not arrive')
      await troupe.close()
      return got[0]
    },
    'moved to another user': changedBy(...tables.map((table) => `update ${table} set user_id = 'eve' ${ofB}`)),
    'signed with another key': async (own) => {
      await sent(own, signed(secret('b')))
      const troupe = await opened(own)
      await troupe.user('ada').agent('A').messages.send(Pay, 'honest', { to: 'D' })
      const got = await drained(troupe, 'B')
      expectHarmless((await drained(troupe, 'D')).length === 1, 'a message of the right key did not arrive')
      await troupe.close()
      return got[0]
    },
    'sent by a process that does not sign': async (own) => {
      await sent(own, {})
      const troupe = await opened(own)
      const got = await drained(troupe, 'B')
      await troupe.close()
      return got[0]
    },
    'replayed in another process': async (own) => {
      await sent(own)
      const first = await opened(own)
      expectHarmless((await drained(first, 'B')).length === 1, 'the message did not arrive the first time')
      await first.close()
      const [row] = await own.query(`select seq from messages ${ofB}`)
      if (!row) throw new Error('the acknowledged message is gone from the table, so there is nothing to replay')
      await own.query(
        `update messages set state = 'ready', token = null, ended_at = null, read_at = null, attempts = 0 ${ofB}`,
      )
      await own.query(
        `update mailbox_lanes set depth = 1, head_seq = ${String(row.seq)}, leased = 0, token = null, lease_until = 0 ${ofB}`,
      )
      await own.query(`update mailboxes set count = 1 ${ofB}`)
      const troupe = await opened(own)
      const got = await drained(troupe, 'B')
      await troupe.close()
      return got[0]
    },
  },
)
