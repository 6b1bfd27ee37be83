/** The verification of the audit log in a real browser, over a database that is then damaged without Troupe. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { createTroupe, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

describeInBrowser('The verification of the audit log', (testbed) => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-studio-audit-'))
  const file = join(folder, 'troupe.db')
  let troupe: Troupe
  let server: Served
  let page: Page

  beforeAll(async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const checkpoints = { key: { id: 'audit-1', privateKey }, to: join(folder, 'checkpoints.jsonl') }
    troupe = await createTroupe({ storage: `sqlite:${file}`, log: 'silent', audit: { checkpoints } })
    for (let i = 0; i < 12; i++) await troupe.user('default').context.push(`k${i}`, i)
    await troupe.audit.checkpoint()
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
    await page.getByRole('navigation').getByRole('link', { name: 'Audit', exact: true }).click()
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
  })

  const verification = () => page.getByRole('region', { name: 'Verification' })
  const takeScreenshot = async (name: string) => {
    const to = process.env.TROUPE_SCREENSHOTS
    if (to !== undefined) await page.screenshot({ path: join(to, `${name}.png`) })
  }

  test('The audit view verifies an unchanged log, and says how many records are as they were signed.', async () => {
    await verification().getByRole('button', { name: 'Verify' }).click()
    await verification().getByText('No record was changed, removed or added.').waitFor()
    const { covered } = await troupe.audit.verify()
    await verification()
      .getByText(`records checked, the hashes of ${covered} are as signed`, { exact: false })
      .waitFor()
    await takeScreenshot('audit-verified')
  })

  test('The audit view names the time zone of the times by which it is narrowed.', async () => {
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone)
    for (const name of ['From', 'To']) {
      const field = page.getByLabel(name, { exact: true })
      const described = await field.evaluate(
        (input) => document.getElementById(input.getAttribute('aria-describedby') ?? '')?.innerText,
      )
      expect(described, name).toBe(`in ${zone}`)
    }
  })

  test('The audit view names the records that were changed or removed in the database, and since which record.', async () => {
    const db = new DatabaseSync(file)
    const idAt = (n: number) => String(db.prepare('select id from security_audit_leaves where n = ?').get(n)?.id)
    db.prepare("update security_audit set actor = 'Somebody' where id = ?").run(idAt(4))
    db.prepare('delete from security_audit where id = ?').run(idAt(9))
    db.close()
    await verification().getByRole('button', { name: 'Verify' }).click()
    await verification()
      .getByText(/^The log is damaged from record 5, of /)
      .waitFor()
    await verification()
      .getByRole('row', { name: /^5 Changed after it was recorded/ })
      .waitFor()
    await verification()
      .getByRole('row', { name: /^10 Missing: removed/ })
      .waitFor()
    const { violations } = await new AxeBuilder({ page: page as never }).analyze()
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
    await takeScreenshot('audit-damaged')
    await verification().getByRole('link', { name: '5', exact: true }).click()
    await page.getByRole('region', { name: 'Record' }).getByText('Somebody').waitFor()
  })
})
