/** Production connects to another machine without TLS, or without a checked certificate, however that is spelt. */
import { createTroupe, type TroupeConfig } from '../../../../src/index.ts'
import type { Trial } from '../trial.ts'
import { fixedKey } from './serve-agents.ts'

const target = 'postgres://u:p@db.example/shop'
const checked = `${target}?sslmode=verify-full`
const plain: readonly TroupeConfig['storage'][] = [
  target,
  `${target}?sslmode=disable`,
  `${target}?sslmode=require`,
  { url: target },
  { url: `${target}?sslmode=require` },
  { url: target, tls: false },
  { url: target, tls: { check: false } },
  { url: checked, tls: { check: false, ca: 'x' } },
  { url: checked, migrateUrl: `${target}?sslmode=require` },
  { url: checked, listenUrl: `${target}?sslmode=disable` },
] as never

export const productionTransport: Trial = async ({ check }) => {
  const encryption = { keys: [{ id: 'k', key: fixedKey(1) }] }
  for (const storage of plain) {
    const opened = createTroupe({ storage, profile: 'production', log: 'silent', encryption })
    const code = await opened.then(
      async (troupe) => {
        await troupe.close()
        return 'opened'
      },
      (error: { readonly code?: string }) => error.code ?? String(error),
    )
    check(JSON.stringify(storage), code === 'config.unsafe', code)
  }
}
