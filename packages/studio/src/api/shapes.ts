/** What the routes answer: the shapes of the OpenAPI document, so that a view that reads a renamed field does not compile. */
import type { ClientSchemas, ItemOf, StreamData } from 'troupe/client'

export type Summary = ClientSchemas['RunSummary']
export type Question = ClientSchemas['Question']
export type UncertainEffect = ClientSchemas['UncertainEffect']
/** Of a run that goes on there is its status alone. */
export type Result = Pick<ClientSchemas['RunResult'], 'status'> & Partial<ClientSchemas['RunResult']>
/** Whether the run has not ended. */
export const isActive = ({ status }: Pick<Result, 'status'>): boolean => status === 'running' || status === 'waiting'
export interface Topology {
  readonly nodes: readonly { readonly name: string; readonly kind: string }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly type: string }[]
}
/** The document leaves open how a topology is written. */
export const isTopology = (value: unknown): value is Topology =>
  typeof value === 'object' && value !== null && 'nodes' in value && 'edges' in value
/** The names of the agents of a team, in the order of its nodes. */
export const agentsOf = (topology: Topology | undefined): readonly string[] =>
  topology?.nodes.filter(({ kind }) => kind === 'agent').map(({ name }) => name) ?? []
/** The topology that the first event of a run has pinned. */
export function pinnedTopology(event: object | undefined): Topology | undefined {
  const { pinned } = (event ?? {}) as { readonly pinned?: { readonly topology?: unknown } }
  return isTopology(pinned?.topology) ? pinned.topology : undefined
}
export type RunEvent = StreamData<'runs.events'>
export type Entry = ClientSchemas['HistoryEntry']
export type Audience = Entry['audience']
/** A run of the list of all users. */
export type UserRun = ItemOf<'operations.runs'>
export type Approval = ItemOf<'approvals.list'>
export type DeadLetter = ClientSchemas['DeadLetter']
export type Call = ClientSchemas['RecordedCall']
export type SentPrompt = ClientSchemas['SentPrompt']
export type Schedule = ClientSchemas['Schedule']
