/** A folder, troupes that are closed in the end, and what was seen of each check. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DoctorStatus } from '../../configuration/doctor/doctor-check.ts'
import type { TroupeConfig } from '../../configuration/troupe-config.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { partsOf, type Troupe } from '../../startup/troupe.ts'
import { type DoctorOptions, doctorOf } from './doctor.ts'
import type { DoctorReport } from './examine.ts'
import type { Host } from './host.ts'

export class Practice {
  readonly folder = mkdtempSync(join(tmpdir(), 'troupe-doctor-'))
  /** By check: how it ended so far. */
  readonly seen = new Map<string, Set<DoctorStatus>>()
  readonly #open: Troupe[] = []

  /** A host on which all is well. */
  readonly host: Host = {
    node: '24.1.0',
    memoryLimit: 512 * 1_048_576,
    folder: this.folder,
    variables: new Set(),
    rateLimited: false,
    handlesSigterm: true,
  }

  get file(): string {
    return `sqlite:${join(this.folder, 'data', 'troupe.db')}`
  }

  async opened(config: Partial<TroupeConfig> = {}): Promise<Troupe> {
    const troupe = await createTroupe({ storage: 'memory:', log: 'error', ...config })
    this.#open.push(troupe)
    return troupe
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true })
      writeFileSync(join(this.folder, path), text)
    }
  }

  async diagnose(troupe: Troupe, options: DoctorOptions = {}, host: Partial<Host> = {}) {
    return this.statuses(await doctorOf(troupe[partsOf], troupe, options, { ...this.host, ...host }))
  }

  /** The statuses by check, kept for whoever asks whether each was seen in both; of those that broke nothing was seen. */
  statuses(report: DoctorReport): Readonly<Record<string, DoctorStatus>> {
    for (const { id, status, evidence } of report.checks) {
      const found = this.seen.get(id) ?? new Set()
      const mayBreak = ['writes.undisputed', 'messages.frozen']
      if (evidence.startsWith('The check itself') && !mayBreak.includes(id)) continue
      this.seen.set(id, found.add(status))
    }
    return Object.fromEntries(report.checks.map(({ id, status }) => [id, status]))
  }

  async closeAll(): Promise<void> {
    for (const troupe of this.#open.splice(0)) await troupe.close().catch(() => {})
  }

  async end(): Promise<void> {
    await this.closeAll()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Of those named, the ones that did not end so, with what was seen. */
export const others = (found: Readonly<Record<string, DoctorStatus>>, ids: readonly string[], status: DoctorStatus) =>
  Object.fromEntries(ids.filter((id) => found[id] !== status).map((id) => [id, found[id] ?? 'missing']))
