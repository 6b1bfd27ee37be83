/** What a step and the bodies of its tools are given: hands whose answers are recorded and whose writes are staged. */
import type { ContextHands } from '../context/index.ts'
import type { Duration, Json } from '../core/index.ts'
import type { EffectFunction, EffectSpec } from '../durable/index.ts'
import type { MessageHands, MessageType, RequestOptions } from '../messaging/index.ts'

export interface StepContext {
  readonly agent: string
  readonly runId: string | undefined
  readonly signal: AbortSignal
  readonly context: ContextHands
  readonly messages: MessageHands
  effect<Out>(name: string, spec: EffectSpec<Out>, fn: EffectFunction<Out>): Promise<Out>
  ask(question: AskOptions): Promise<Json>
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
  commit(): Promise<void>
  /** ms since 1970, recorded. */
  now(): number
  /** In [0, 1), recorded. */
  random(): number
}

export interface AskOptions {
  readonly kind?: Question['kind']
  readonly text: string
  readonly options?: readonly string[]
  readonly timeout?: Duration
  readonly default?: Json
  /** Of an approval: the call it is about, and the hash of its exact arguments. */
  readonly tool?: string
  readonly args?: Json
  readonly hash?: string
}

export interface Question {
  readonly kind: 'question' | 'choice' | 'confirmation' | 'draft' | 'approval' | 'error'
  readonly text: string
  readonly options?: readonly string[]
  /** Milliseconds, after which `default` is the answer, or the wait fails. */
  readonly timeoutMs?: number
  readonly default?: Json
  readonly tool?: string
  readonly args?: Json
  /** Of the exact arguments: an approval is bound to it. */
  readonly hash?: string
}
