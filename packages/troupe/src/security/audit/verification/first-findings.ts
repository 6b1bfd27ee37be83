/** The first findings of a log in its order. A hostile file can cause one for each of its lines; no more than these are stored. */
import type { AuditFinding } from './audit-finding.ts'

export const maxFindings = 100

export class FirstFindings {
  #findings: AuditFinding[] = []

  get isEmpty(): boolean {
    return this.#findings.length === 0
  }

  add(finding: AuditFinding): void {
    this.#findings.push(finding)
    // Only at twice the limit, so that an addition costs little.
    if (this.#findings.length >= 2 * maxFindings) this.#findings = this.list()
  }

  /** Returns the findings by the index of their leaf; those without an index are last. */
  list(): AuditFinding[] {
    return this.#findings.toSorted((a, b) => (a.n ?? Infinity) - (b.n ?? Infinity)).slice(0, maxFindings)
  }
}
