/** Key rings of an application's own that are wrong, fail, or mix up users; and keys that were rotated. */
import { createTroupe, type TroupeConfig } from '../../../src/index.ts'
import type { KeyRing } from '../../../src/operations.ts'
import { createLocalKeyRing } from '../../../src/security/index.ts'
import { codeOf, expectHarmless, type OwnStorage, ownRows } from './own-storage.ts'

const key = (n: number) => Buffer.alloc(32, n).toString('base64')
const content = 'KEY-RING-CONTENT-83'
const opened = ({ storage }: OwnStorage, encryption: unknown) =>
  createTroupe({ storage, log: 'silent', encryption: encryption as NonNullable<TroupeConfig['encryption']> })
const ring = (n = 1, id = 'one') => createLocalKeyRing({ keys: [{ id, key: key(n) }] })

async function written(own: OwnStorage, keyRing: KeyRing): Promise<void> {
  const troupe = await opened(own, { keyRing })
  await troupe.user('ada').context.push('diagnosis', content)
  await troupe.user('eve').context.push('own', 'of eve')
  await troupe.close()
}
/** What an attempt sees, or an error's text; never a reason to go on. */
async function seen(own: OwnStorage, keyRing: KeyRing, user = 'ada'): Promise<string> {
  try {
    const troupe = await opened(own, { keyRing })
    try {
      return JSON.stringify([await troupe.user(user).context.get('diagnosis')])
    } finally {
      await troupe.close()
    }
  } catch (error) {
    return `${error instanceof Error ? error.message : error}`
  }
}
const gained = (text: string) => (text.includes(content) ? text : undefined)
async function stillReadable(own: OwnStorage): Promise<void> {
  expectHarmless((await seen(own, await ring())).includes(content), 'the right key ring does not read any more')
}

export const encryptionKeys = ownRows(
  'ring',
  { family: 'disclosure', source: 'a key ring or a writer of the database', goal: 'read what is encrypted' },
  {
    'another key under the same id': async (own) => {
      await written(own, await ring())
      const text = await seen(own, await ring(2))
      await stillReadable(own)
      return gained(text)
    },
    'another key under another id': async (own) => {
      await written(own, await ring())
      const text = await seen(own, await ring(2, 'two'))
      await stillReadable(own)
      return gained(text)
    },
    'a ring that throws': async (own) => {
      await written(own, await ring())
      const unwrap = () => Promise.reject(new Error('the key service is away'))
      const text = await seen(own, { ...(await ring()), unwrap })
      // Nor may a write go through in the clear while it is away.
      const good = await ring()
      let isAway = false
      const troupe = await opened(own, {
        keyRing: { ...good, current: good.current, wrap: (c, k) => (isAway ? unwrap() : good.wrap(c, k)) } as KeyRing,
      })
      isAway = true
      const code = await codeOf(() => troupe.user('ben').context.push('diagnosis', content))
      await troupe.close()
      await stillReadable(own)
      const rows = JSON.stringify(await own.query('select * from context_entries'))
      return gained(text) ?? (code === undefined || rows.includes(content) ? `written: ${code}` : undefined)
    },
    'a ring that returns the key of another user': async (own) => {
      await written(own, await ring())
      const good = await ring()
      const ofAda = new Map<string, Uint8Array>()
      const mixing: KeyRing = {
        current: good.current,
        wrap: (keyContext, plain) => good.wrap(keyContext, plain),
        async unwrap(keyContext, wrapped) {
          const plain = await good.unwrap(keyContext, wrapped)
          if (keyContext.user === 'ada') ofAda.set('key', plain)
          return keyContext.user === 'eve' ? (ofAda.get('key') ?? plain) : plain
        },
      }
      await own.query("update context_entries set user_id = 'eve' where user_id = 'ada'")
      const troupe = await opened(own, { keyRing: mixing })
      await codeOf(() => troupe.user('ada').context.push('again', 1))
      expectHarmless(ofAda.size === 1, 'the ring was never asked for the key of ada')
      let text = ''
      await codeOf(async () => {
        text = JSON.stringify([await troupe.user('eve').context.get('diagnosis')])
      })
      await troupe.close()
      return gained(text)
    },
    'a value moved to another user': async (own) => {
      await written(own, await ring())
      await own.query("update context_entries set user_id = 'eve' where user_id = 'ada'")
      return gained(await seen(own, await ring(), 'eve'))
    },
    'a value moved to another key': async (own) => {
      await written(own, await ring())
      await own
        .query("update context_entries set entry_key = 'diagnosis' where user_id = 'eve'")
        .catch(() => own.query("update context_entries set key = 'diagnosis' where user_id = 'eve'"))
      const text = await seen(own, await ring(), 'eve')
      return text.includes('of eve') ? text : undefined
    },
    'plain text in place of a value': async (own) => {
      await written(own, await ring())
      await own.query(`update context_entries set value = '"PLANTED"' where user_id = 'ada'`)
      const text = await seen(own, await ring())
      return text === '["PLANTED"]' ? text : undefined
    },
    'the old key after a rotation of all data': async (own) => {
      await written(own, await ring())
      const keyRing = await createLocalKeyRing({ keys: [{ id: 'one', key: key(1) }] })
      const troupe = await opened(own, { keyRing })
      await troupe.encryption.rotate({ to: { id: 'two', key: key(2) }, data: true } as never)
      expectHarmless((await troupe.user('ada').context.get('diagnosis')) === content, 'the value is gone')
      await troupe.close()
      const both = [
        { id: 'one', key: key(1) },
        { id: 'two', key: key(2) },
      ]
      expectHarmless(
        (await seen(own, await createLocalKeyRing({ keys: both }))).includes(content),
        'the new key does not read it',
      )
      return gained(await seen(own, await ring()))
    },
  },
)
