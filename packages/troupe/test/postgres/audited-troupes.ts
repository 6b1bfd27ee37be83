/** Troupes with an audit log, in a folder of each test. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach } from 'vitest'
import { createTroupe, type Troupe, type TroupeConfig } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName } from './postgres-server.ts'

/** To be called once in a file of tests, by whose name the schema on PostgreSQL is called. */
export async function auditedTroupes(name: string) {
  const missing = await missingServer()
  const schema = schemaName(name)
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const open: Troupe[] = []
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-audit-'))
  })
  afterEach(async () => {
    for (const troupe of open.splice(0)) await troupe.close().catch(() => {})
    rmSync(folder, { recursive: true, force: true })
    if (missing === undefined) await dropSchema(schema)
  })
  afterAll(() => (missing === undefined ? dropSchema(schema) : undefined))
  return {
    missing,
    schema,
    publicKey,
    key: { id: 'audit-1', privateKey },
    folder: () => folder,
    file: () => join(folder, 'troupe.db'),
    lines: () => join(folder, 'checkpoints.jsonl'),
    async opened(config: Partial<TroupeConfig> = {}): Promise<Troupe> {
      const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
      open.push(troupe)
      return troupe
    },
  }
}
