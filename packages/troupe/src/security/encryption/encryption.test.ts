import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTroupe, type Troupe, type TroupeConfig } from '../../index.ts'
import { createLocalKeyRing } from '../index.ts'
import { Note, plant } from '../planted-content.test.fixture.ts'

let folder: string
let open: Troupe[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-encrypted-'))
})
afterEach(async () => {
  for (const troupe of open) await troupe.close()
  open = []
  rmSync(folder, { recursive: true, force: true })
})

const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const keys = [{ id: 'first', key: keyOf(1) }]
const path = () => join(folder, 'troupe.db')
async function opened(more: Partial<TroupeConfig> = {}): Promise<Troupe> {
  const troupe = await createTroupe({ storage: `sqlite:${path()}`, log: 'silent', ...more })
  open.push(troupe)
  return troupe
}
async function closed(troupe: Troupe): Promise<void> {
  await troupe.close()
  open = open.filter((other) => other !== troupe)
}
/** In the database, its log, and whatever else lies beside them. */
const isInFiles = (marker: string) =>
  readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(marker))
const inDatabase = <T>(run: (db: DatabaseSync) => T): T => {
  const db = new DatabaseSync(path())
  try {
    return run(db)
  } finally {
    db.close()
  }
}

describe('encrypted storage', () => {
  it('A database with encryption contains no value in the clear, neither in its log nor in its files.', async () => {
    const marker = 'MARKER-of-ada'
    const troupe = await opened({ encryption: { keys } })
    const run = await plant(troupe, 'ada', marker)
    expect(isInFiles(marker)).toBe(false)
    await closed(troupe)
    expect(isInFiles(marker)).toBe(false)
    const reopened = (await opened({ encryption: { keys } })).user('ada')
    expect(await reopened.context.get('plan')).toEqual({ marker: `${marker} again` })
    expect(await reopened.context.getEntry('plan')).toMatchObject({ metadata: { marker } })
    expect((await reopened.context.history('plan')).items.map(({ value }) => value)).toEqual([
      { marker },
      { marker: `${marker} again` },
    ])
    expect(String(await reopened.context.get('large'))).toHaveLength(30_000 * (marker.length + 1))
    expect((await reopened.agent('Sales').mailbox.messages({ limit: 10 })).items).toHaveLength(2)
    expect((await reopened.agent('Sales').mailbox.deadLetters()).items[0]?.reason).toContain(marker)
    expect(await reopened.memory('Talker').episodic.items()).toMatchObject([{ content: { marker }, version: 2 }])
    expect((await reopened.orchestra.export(run)).journal).not.toHaveLength(0)
    expect(await reopened.orchestra.verifyReplay(run)).toMatchObject({ identical: true })
  })

  it('A database without encryption contains the values that the same search finds.', async () => {
    const troupe = await opened()
    await plant(troupe, 'ada', 'MARKER-of-ada')
    await closed(troupe)
    expect(isInFiles('MARKER-of-ada')).toBe(true)
  })

  it('An encrypted value that was moved does not decrypt, and the error names its kind and key.', async () => {
    const troupe = await opened({ encryption: { keys } })
    for (const user of ['ada', 'eve'])
      for (const key of ['a', 'b']) {
        await troupe.user(user).context.push(key, `${user}: ${key} old`)
        await troupe.user(user).context.push(key, `${user}: ${key} new`)
      }
    await closed(troupe)
    inDatabase((db) => {
      const from = (table: string, user: string, key: string) =>
        db.prepare(`select value from ${table} where user_id = ? and key = ?`).get(user, key) as { value: string }
      const to = (user: string, key: string, { value }: { value: string }) =>
        db.prepare('update context_entries set value = ? where user_id = ? and key = ?').run(value, user, key)
      to('ada', 'a', from('context_entries', 'ada', 'b'))
      to('ada', 'b', from('context_history', 'ada', 'b'))
      to('eve', 'a', from('context_entries', 'ada', 'b'))
    })
    const reopened = await opened({ encryption: { keys } })
    for (const [user, key] of [
      ['ada', 'a'],
      ['ada', 'b'],
      ['eve', 'a'],
    ] as const) {
      const error = await reopened
        .user(user)
        .context.get(key)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'encryption.damaged', details: { kind: 'entry' } })
      expect(String(error)).toContain(key)
      // No id has the colon and the space.
      for (const owner of ['ada', 'eve']) expect(String(error)).not.toContain(`${owner}: `)
    }
    expect(await reopened.user('eve').context.get('b')).toBe('eve: b new')
  })

  it('A plain value in an encrypted database is rejected.', async () => {
    const troupe = await opened({ encryption: { keys } })
    await troupe.user('ada').context.push('a', 1)
    await closed(troupe)
    inDatabase((db) => db.exec(`update context_entries set value = '{"forged":true}'`))
    const reopened = await opened({ encryption: { keys } })
    await expect(reopened.user('ada').context.get('a')).rejects.toMatchObject({ code: 'encryption.damaged' })
  })
})

describe('a key ring', () => {
  it('A key ring that lacks a key or has another one is rejected at the opening, and the error names the key.', async () => {
    const troupe = await opened({ encryption: { keys } })
    await troupe.user('ada').context.push('a', 1)
    await closed(troupe)
    const other = { id: 'second', key: keyOf(2) }
    await expect(opened({ encryption: { keys: [other] } })).rejects.toMatchObject({
      code: 'encryption.key_missing',
      details: { id: 'first' },
    })
    await expect(opened({ encryption: { keys: [{ id: 'first', key: keyOf(2) }] } })).rejects.toMatchObject({
      code: 'encryption.key_wrong',
      details: { id: 'first' },
    })
    await expect(opened()).rejects.toMatchObject({ code: 'encryption.required' })
    expect(await (await opened({ encryption: { keys } })).user('ada').context.get('a')).toBe(1)
  })

  it('A key ring accepts keys as bytes, hexadecimal, base64 or a function, and rejects others without showing them.', async () => {
    const bytes = Buffer.alloc(32, 7)
    const forms = [bytes, bytes.toString('hex'), bytes.toString('base64'), async () => bytes.toString('base64url')]
    for (const key of forms) {
      const troupe = await opened({ encryption: { keys: [{ id: 'k', key }] } })
      await troupe.user('ada').context.push('a', 1)
      await closed(troupe)
    }
    const wrong = [
      { keys: [] },
      { keys: [{ id: 'k', key: 'a secret that is too short' }] },
      { keys: [{ id: '', key: bytes }] },
      {
        keys: [
          { id: 'k', key: bytes },
          { id: 'k', key: bytes },
        ],
      },
      { keys: [{ id: 'k', key: bytes }], curent: 'k' },
      { keys: [{ id: 'k', key: bytes }], current: 'l' },
    ]
    for (const encryption of wrong) {
      const error = await createTroupe({ storage: 'memory:', log: 'silent', encryption }).catch(
        (thrown: unknown) => thrown,
      )
      expect(error, JSON.stringify(encryption)).toMatchObject({ name: 'ValidationError' })
      expect(String(error)).not.toContain('secret')
    }
  })

  it('A key ring unwraps once for each user, whatever is read and written.', async () => {
    let unwrapped = 0
    const local = await opened({ encryption: { keys } })
    await local.user('ada').context.push('a', 1)
    await closed(local)
    const keyRing = await createLocalKeyRing({ keys })
    const counting = {
      ...keyRing,
      current: keyRing.current,
      unwrap: (...[keyContext, wrapped]: Parameters<typeof keyRing.unwrap>) => {
        if (keyContext.user === 'ada') unwrapped++
        return keyRing.unwrap(keyContext, wrapped)
      },
    }
    const ada = (await opened({ encryption: { keyRing: counting } })).user('ada')
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => (i % 2 ? ada.context.get('a') : ada.context.push(`b${i}`, i))),
    )
    expect(unwrapped).toBe(1)
  })
})

it.each([{}, { current: 'k' }, { current: 5, wrap: () => {}, unwrap: () => {} }, null])(
  'A troupe rejects a key ring that lacks a member: %j.',
  async (keyRing) => {
    await expect(opened({ encryption: { keyRing: keyRing as never } })).rejects.toThrow(/encryption\.keyRing/)
  },
)

describe('the profile production', () => {
  it('The profile production needs encryption.', async () => {
    await expect(opened({ profile: 'production' })).rejects.toMatchObject({ code: 'encryption.required' })
    await opened({ profile: 'production', encryption: { keys } })
    await expect(opened({ profile: 'prod' as 'production' })).rejects.toMatchObject({ name: 'ValidationError' })
  })
})

describe('turning encryption', () => {
  it('A plain database that is opened with encryption is encrypted, and readable meanwhile.', async () => {
    const plain = await opened()
    const run = await plant(plain, 'ada', 'MARKER-of-ada')
    await plant(plain, 'eve', 'MARKER-of-eve')
    await closed(plain)
    const encrypted = await opened({ encryption: { keys } })
    expect(await encrypted.user('ada').context.get('plan')).toEqual({ marker: 'MARKER-of-ada again' })
    await encrypted.encryption.whenIdle()
    expect(await encrypted.encryption.status()).toEqual({ state: 'encrypted', current: 'first' })
    expect(await encrypted.user('eve').context.get('plan')).toEqual({ marker: 'MARKER-of-eve again' })
    expect((await encrypted.user('ada').context.history('plan')).items).toHaveLength(2)
    expect(await encrypted.user('ada').orchestra.verifyReplay(run)).toMatchObject({ identical: true })
    await closed(encrypted)
    // Pages that were let go of may hold what they held: the values of no row do.
    expect(contentOf()).not.toContain('MARKER')
  })

  it('A decrypted database is plain again, and opens without keys only then.', async () => {
    const encrypted = await opened({ encryption: { keys } })
    const run = await plant(encrypted, 'ada', 'MARKER-of-ada')
    await encrypted.encryption.decrypt()
    expect(await encrypted.encryption.status()).toEqual({ state: 'off' })
    await encrypted.user('ada').context.push('after', 'plain')
    expect(await encrypted.user('ada').context.get('plan')).toEqual({ marker: 'MARKER-of-ada again' })
    await closed(encrypted)
    const plain = await opened()
    expect(await plain.user('ada').context.get('after')).toBe('plain')
    expect(String(await plain.user('ada').context.get('large'))).toContain('MARKER')
    expect(await plain.user('ada').orchestra.verifyReplay(run)).toMatchObject({ identical: true })
    await closed(plain)
    const reopened = await opened({ encryption: { keys } })
    await reopened.encryption.whenIdle()
    expect(String(await reopened.user('ada').context.get('large'))).toContain('MARKER')
    expect(await reopened.encryption.status()).toEqual({ state: 'encrypted', current: 'first' })
  })
})

/** Every text in every row. */
const contentOf = (): string =>
  inDatabase((db) => {
    const tables = db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
    return tables.map(({ name }) => JSON.stringify(db.prepare(`select * from "${name}"`).all())).join('\n')
  })

describe('rotation', () => {
  it('A rotation rewraps all data keys, and the old key is not needed after that.', async () => {
    const troupe = await opened({ encryption: { keys } })
    for (const user of ['ada', 'eve']) await troupe.user(user).context.push('a', user)
    expect(await troupe.encryption.rotate({ to: { id: 'second', key: keyOf(2) } })).toEqual({ users: 2, rows: 2 })
    expect(await troupe.user('ada').context.get('a')).toBe('ada')
    await troupe.user('bob').context.push('a', 'bob')
    await closed(troupe)
    const reopened = await opened({ encryption: { keys: [{ id: 'second', key: keyOf(2) }] } })
    for (const user of ['ada', 'eve', 'bob']) expect(await reopened.user(user).context.get('a')).toBe(user)
  })

  it('A rotation rejects invalid options, and does not re-encrypt for a truthy value.', async () => {
    const troupe = await opened({ encryption: { keys } })
    for (const mistake of [null, { data: 'no' }, { data: 1 }])
      await expect(troupe.encryption.rotate(mistake as never)).rejects.toMatchObject({ code: 'validation.failed' })
  })

  it('A rotation with data re-encrypts everything under new data keys and destroys the old ones, during reads and writes.', async () => {
    const troupe = await opened({ encryption: { keys } })
    const run = await plant(troupe, 'ada', 'MARKER-of-ada')
    const before = inDatabase((db) => db.prepare('select value from context_entries order by key').all())
    const ids = () =>
      inDatabase((db) =>
        db
          .prepare('select id from security_data_keys')
          .all()
          .map(({ id }) => String(id)),
      )
    const old = ids()
    const ada = troupe.user('ada')
    let rotating = true
    const busy = (async () => {
      let n = 0
      while (rotating) {
        await ada.context.push('counter', ++n)
        expect(await ada.context.get('counter')).toBe(n)
        await ada.agent('Support').messages.send(Note, n, { to: `Box ${n % 3}` })
      }
      return n
    })()
    await troupe.encryption.rotate({ data: true })
    rotating = false
    expect(await busy).toBeGreaterThan(0)
    expect(ids()).toHaveLength(1)
    expect(ids()).not.toEqual(old)
    expect(inDatabase((db) => db.prepare('select value from context_entries order by key').all())).not.toEqual(before)
    expect(contentOf()).not.toContain(`~1${old[0]}`)
    expect(await ada.context.get('plan')).toEqual({ marker: 'MARKER-of-ada again' })
    expect((await ada.context.history('plan')).items).toHaveLength(2)
    expect(String(await ada.context.get('large'))).toContain('MARKER')
    expect(await ada.orchestra.verifyReplay(run)).toMatchObject({ identical: true })
    expect((await ada.agent('Sales').mailbox.messages({ limit: 10 })).items).toHaveLength(2)
  })
})
