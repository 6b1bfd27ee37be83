/**
 * Agent paths: who invoked whom, from who began to who acts. Who is handed the work, or gets it along an edge, stands in
 * the place of who had it; who is invoked, notified or asked stands below.
 */
import type { Event } from './model.ts'

export type AgentPath = readonly string[]
/** By branch, by step that serves a request, and by question. */
export type AgentPaths = ReadonlyMap<string, AgentPath>

const placesOf = (event: Event) => event as { readonly [place in 'question' | 'step' | 'branch']?: string }

/** Of who an event is about; empty for the run as a whole. Folded by `pathSetBy` up to this event. */
export function pathOf(paths: AgentPaths, event: Event): AgentPath {
  const { question, step, branch } = placesOf(event)
  for (const place of [question, step, branch]) {
    const path = place === undefined ? undefined : paths.get(place)
    if (path) return path
  }
  return []
}

/** The place whose path an event settles; undefined for most. */
export function pathSetBy(paths: AgentPaths, event: Event): readonly [place: string, path: AgentPath] | undefined {
  const of = (place: string | undefined) => (place === undefined ? undefined : paths.get(place)) ?? []
  const inPlaceOf = (place: string | undefined, agent: string) => [...of(place).slice(0, -1), agent]
  switch (event.type) {
    case 'branch.started': {
      const { branch, parent, scope, opens, agent } = event
      // What has met goes on where the first branch of its scope began.
      return [branch, opens ? [...of(parent), agent] : inPlaceOf(parent ?? scope, agent)]
    }
    case 'branch.moved':
      return [event.branch, inPlaceOf(event.branch, event.agent)]
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
