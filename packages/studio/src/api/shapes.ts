/** What the routes answer: the shapes of the OpenAPI document, so that a view that reads a renamed field does not compile. */
import type { AnswerOf, ClientSchemas, StreamData } from 'troupe/client'

export type Summary = ClientSchemas['RunSummary']
export type Question = ClientSchemas['Question']
export type UncertainEffect = ClientSchemas['UncertainEffect']
/** Of a run that goes on there is its status alone. */
export type Result = Pick<ClientSchemas['RunResult'], 'status'> & Partial<ClientSchemas['RunResult']>
export interface Topology {
  readonly nodes: readonly { readonly name: string; readonly kind: string }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly type: string }[]
}
/** The document leaves open what a run has pinned. */
export type RunEvent = StreamData<'runs.events'> & { readonly pinned?: { readonly topology?: Topology } }
export type Entry = ClientSchemas['HistoryEntry']
export type Audience = Entry['audience']
export type Change = StreamData<'context.watch'>
export type Present = AnswerOf<'agents.presence'>['items'][number]
export type Message = ClientSchemas['Message']
export type Call = ClientSchemas['RecordedCall']
export type Schedule = ClientSchemas['Schedule']
export type Health = ClientSchemas['Health']
