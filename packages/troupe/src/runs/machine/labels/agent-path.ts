/**
 * Agent paths: who invoked whom, from who began to who acts. Who is handed the work, or gets it along an edge, stands in
 * the place of who had it; who is invoked, notified or asked stands below.
 */
import type { Event } from '../machine-events.ts'

export type AgentPath = readonly string[]
/** By branch, by step that serves a request, and by question. */
export type AgentPaths = ReadonlyMap<string, AgentPath>

const subjectsOf = (event: Event) => event as { readonly [subject in 'question' | 'step' | 'branch']?: string }

/** Of who an event is about; empty for the run as a whole. Folded by `pathSetBy` up to this event. */
export function pathOf(paths: AgentPaths, event: Event): AgentPath {
  const { question, step, branch } = subjectsOf(event)
  return paths.get(question ?? '') ?? paths.get(step ?? '') ?? paths.get(branch ?? '') ?? noAgents
}
const noAgents: AgentPath = []

/** Returns the path of each event of a run, from its first one on. */
export function pathsOf(events: readonly Event[]): readonly AgentPath[] {
  const paths = new Map<string, AgentPath>()
  return events.map((event) => setPath(paths, event))
}

/** Stores the path that an event settles, if any, and returns the path of the event. */
export function setPath(paths: Map<string, AgentPath>, event: Event): AgentPath {
  const set = pathSetBy(paths, event)
  if (set) paths.set(...set)
  return pathOf(paths, event)
}

/** The place whose path an event settles; undefined for most. */
export function pathSetBy(paths: AgentPaths, event: Event): readonly [subject: string, path: AgentPath] | undefined {
  const of = (subject: string | undefined) => (subject === undefined ? undefined : paths.get(subject)) ?? []
  const withLastAgent = (subject: string | undefined, agent: string) => [...of(subject).slice(0, -1), agent]
  switch (event.type) {
    case 'branch.started': {
      const { branch, parent, group, origin, agent } = event
      // All branches of a group continue in the place where its first one began.
      return [branch, origin ? [...of(parent), agent] : withLastAgent(group, agent)]
    }
    case 'branch.moved':
      return [event.branch, withLastAgent(event.branch, event.agent)]
    case 'request.made':
      return [event.step, [...pathOf(paths, { ...event, step: event.from }), event.agent]]
    case 'question.asked': {
      const { question: _, ...asking } = event
      const path = pathOf(paths, asking as Event)
      // One that helps the agent of the step asks for itself.
      return [event.question, path.at(-1) === event.agent || event.step === undefined ? path : [...path, event.agent]]
    }
    default:
      return undefined
  }
}
