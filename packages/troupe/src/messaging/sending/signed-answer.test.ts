import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { SignatureConfig } from '../../security/index.ts'
import { defineMessage } from '../message-type.ts'
import type { MessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { change, rejections, shared, signedTestbeds } from './signed-testbed.test.fixture.ts'

const Note = defineMessage<string>('note')
const { testbed } = signedTestbeds()

describe('a reply', () => {
  /** Between the answer and whoever asked, somebody is in the database. */
  const asked = async (signatures: SignatureConfig, meddle: (made: MessagingTestbed) => Promise<void>) => {
    const made = await testbed(signatures)
    const answered = made.agent('A').messages.request(Note, 'may I?', { to: 'W', timeout: '1h' })
    answered.catch(() => {})
    const [delivery] = await made.agent('W').mailbox.receive({ wait: '1s' })
    // In one go, so that whoever asked reads what was made of it.
    const replied = delivery?.reply('no')
    await meddle(made)
    await replied
    return { made, answered }
  }
  const becoming = (made: MessagingTestbed, sql: string) =>
    change(
      made,
      `create trigger meddled after update of answer on message_requests when old.answer is null
         begin update message_requests set answer = ${sql} where user_id = new.user_id and id = new.id; end`,
    )
  it('An unchanged signed reply is returned.', async () => {
    const { made, answered } = await asked(shared, async () => {})
    expect(await answered).toBe('no')
    expect(rejections(made)).toEqual([])
  })
  it.each([
    ['signature.invalid', `replace(new.answer, '"no"', '"yes"')`],
    ['signature.missing', `'{"value":"yes"}'`],
    ['signature.invalid', `'{"value":"yes","signature":{"key":"all","at":1,"signature":"AAAA"}}'`],
    ['signature.invalid', `'{"value":"yes","signature":7}'`],
  ])('A reply is rejected with %s if its stored answer becomes %s.', async (code, sql) => {
    const made = await testbed()
    await becoming(made, sql)
    const answered = made.agent('A').messages.request(Note, 'may I?', { to: 'W', timeout: '1h' })
    answered.catch(() => {})
    const [delivery] = await made.agent('W').mailbox.receive({ wait: '1s' })
    await delivery?.reply('no')
    await expect(answered).rejects.toMatchObject({ name: 'AccessDeniedError', code })
    expect(rejections(made)).toEqual([['W', code]])
  })
  it('A signed reply to another request is rejected.', async () => {
    const made = await testbed()
    await change(made, 'create table stored (answer text)')
    await change(
      made,
      `create trigger kept_one after update of answer on message_requests when old.answer is null
         begin insert into stored values (new.answer);
           update message_requests set answer = (select answer from stored limit 1)
             where user_id = new.user_id and id = new.id; end`,
    )
    const ask = async (payload: string, reply: string) => {
      const answered = made.agent('A').messages.request(Note, payload, { to: 'W', timeout: '1h' })
      answered.catch(() => {})
      const [delivery] = await made.agent('W').mailbox.receive({ wait: '1s' })
      await delivery?.reply(reply)
      return answered
    }
    expect(await ask('a cent?', 'yes')).toBe('yes')
    await expect(ask('a million?', 'no')).rejects.toMatchObject({ code: 'signature.invalid' })
    expect(rejections(made)).toEqual([['W', 'signature.invalid']])
  })
  it('An unsigned reply is accepted under the policy `verify`, and rejected otherwise.', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const keys = [{ id: 'a', agent: 'A', privateKey }]
    const { answered } = await asked({ keys, policy: 'verify' }, async () => {})
    expect(await answered).toBe('no')
    const required = await asked({ keys }, async () => {})
    await expect(required.answered).rejects.toMatchObject({ code: 'signature.missing' })
  })
})

describe('a reply to a step', () => {
  /** Somebody in the database changes what comes for the step, before the step takes it in. */
  const becoming = (made: MessagingTestbed, sql: string) =>
    change(
      made,
      `create trigger meddled after insert on inbox when new.from_id = 'answer'
         begin update inbox set body = ${sql}
             where user_id = new.user_id and journal_id = new.journal_id and id = new.id; end`,
    )
  const asks = async (made: MessagingTestbed, reply = 'no') => {
    const ending = made.step('A', 'step:asks', async (messages) => {
      const answer = await messages.request(Note, 'may I?', { to: 'W', timeout: '1h' })
      return answer as string
    })
    const [delivery] = await made.agent('W').mailbox.receive({ wait: '1s' })
    await delivery?.reply(reply)
    return ending
  }
  it('An unchanged signed reply to a step is returned.', async () => {
    const made = await testbed()
    expect(await asks(made)).toMatchObject({ status: 'completed', outcome: 'no' })
    expect(rejections(made)).toEqual([])
  })
  it.each([
    ['signature.invalid', `replace(new.body, '"no"', '"yes"')`],
    ['signature.missing', `'{"value":{"value":"yes"}}'`],
    ['signature.missing', `'{"value":"yes"}'`],
    ['signature.missing', `'{"error":{"name":"ValidationError","code":"validation.failed","message":"no"}}'`],
  ])('A reply to a step is rejected with %s if its stored answer becomes %s.', async (code, sql) => {
    const made = await testbed()
    await becoming(made, sql)
    expect(await asks(made)).toMatchObject({ status: 'failed', error: { name: 'AccessDeniedError', code } })
    expect(rejections(made)).toEqual([['W', code]])
  })
  it('A signed reply to another request of the same step is rejected.', async () => {
    const made = await testbed()
    await change(made, 'create table stored (body text)')
    await becoming(made, 'coalesce((select body from stored limit 1), new.body)')
    await change(
      made,
      `create trigger kept_one after insert on inbox when new.from_id = 'answer'
         begin insert into stored values (new.body); end`,
    )
    const end = made.step('A', 'step:twice', async (messages) => {
      const first = await messages.request(Note, 'a cent?', { to: 'W', timeout: '1h' })
      return [first, await messages.request(Note, 'a million?', { to: 'W', timeout: '1h' })] as Json
    })
    for (const reply of ['yes', 'no']) {
      const [delivery] = await made.agent('W').mailbox.receive({ wait: '1s' })
      await delivery?.reply(reply)
    }
    expect(await end).toMatchObject({ status: 'failed', error: { code: 'signature.invalid' } })
  })
})
