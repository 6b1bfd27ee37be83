/** What the routes answer, as far as the page reads it; `GET /v1/openapi.json` has all of it. */
export interface Summary {
  readonly id: string
  readonly status: string
  readonly reason?: string
  readonly tags: readonly string[]
  readonly agents: readonly string[]
  /** The beginning of its task. */
  readonly title: string
  /** The name of its team, if it has one. */
  readonly team?: string
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number }
  readonly cost?: { readonly usd: number; readonly unknown: readonly string[] }
  readonly createdAt: string
  readonly endedAt?: string
}
export interface Question {
  readonly id: string
  readonly kind: 'question' | 'choice' | 'confirmation' | 'draft' | 'approval' | 'error' | 'breakpoint'
  readonly text: string
  readonly agent: string
  readonly options?: readonly string[]
  readonly default?: unknown
  readonly tool?: string
  readonly args?: unknown
  readonly hash?: string
}
export interface UncertainEffect {
  readonly step: string
  readonly call: string
  /** Of its tool, or the one that the code gave it. */
  readonly name: string
  readonly class: string
  readonly input?: unknown
  /** The idempotency key that its function was given. */
  readonly key?: string
  readonly since: string
}
export interface StoredError {
  readonly message: string
  readonly code?: string
  readonly hint?: string
}
export interface Result {
  readonly status: string
  readonly reason?: string
  readonly response?: unknown
  readonly questions?: readonly Question[]
  readonly totalSteps?: number
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number }
  readonly cost?: { readonly usd: number; readonly unknown: readonly string[] }
  readonly durationMs?: number
  readonly guard?: { readonly name: string; readonly limit: number; readonly used: number }
  readonly error?: StoredError
  readonly uncertain?: readonly UncertainEffect[]
}
export interface Topology {
  readonly nodes: readonly { readonly name: string; readonly kind: string }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly type: string }[]
}
export interface RunEvent {
  readonly seq: number
  readonly type: string
  readonly at: number
  readonly path: readonly string[]
  readonly step?: string
  readonly branch?: string
  readonly node?: string
  readonly agent?: string
  readonly input?: unknown
  readonly value?: unknown
  readonly outcome?: unknown
  readonly error?: StoredError
  readonly usage?: { readonly inputTokens?: number; readonly outputTokens?: number; readonly cost?: number }
  readonly task?: unknown
  readonly pinned?: { readonly topology?: Topology }
}
export type Audience =
  | 'everyone'
  | 'owner'
  | { readonly subscribers: readonly string[]; readonly topics: readonly string[] }
export interface Entry {
  readonly key: string
  readonly value: unknown
  readonly version: number
  readonly owner: string
  readonly audience: Audience
  readonly updatedAt: string
  readonly expiresAt?: string
  readonly provenance: Readonly<Record<string, unknown>>
  readonly taint: readonly unknown[]
  readonly ended?: string
}
export interface Change {
  readonly type: string
  readonly key?: string
  readonly revision: number
}
export interface Present {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly topics: readonly string[]
  readonly processId: string
}
export interface Message {
  readonly id: string
  readonly from: string
  readonly type: string
  readonly payload: unknown
  readonly priority: string
  readonly timestamp: string
  readonly threadId?: string
}
export interface Call {
  readonly call: string
  readonly kind: 'model' | 'tool' | 'effect'
  readonly name: string
  readonly class: string
  readonly state: 'claimed' | 'done' | 'failed' | 'uncertain' | 'not-happened'
  readonly key?: string
  readonly input?: unknown
  readonly output?: unknown
  readonly error?: StoredError
  readonly taint?: readonly string[]
}
export interface Schedule {
  readonly id: string
  readonly state: string
  readonly team?: string
  readonly agent?: string
  readonly agents?: readonly string[]
  readonly at?: string
  readonly in?: string
  readonly every?: string
  readonly timeZone?: string
  readonly onContext?: { readonly pattern: string }
  readonly onMessage?: { readonly type: string; readonly to: string }
  readonly next: readonly string[]
  readonly lastRun?: { readonly id: string }
  readonly problem?: { readonly message: string }
}
export interface Health {
  readonly status: string
  readonly checks: readonly { readonly name: string; readonly status: string; readonly message?: string }[]
}
