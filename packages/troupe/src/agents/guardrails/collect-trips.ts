/** The trips of a helper agent, which are recorded with its result: a step that is executed again does not execute the helper. */
import type { Json } from '../../core/index.ts'
import type { GuardrailTrip, StepEntry } from '../agent-port.ts'

interface HelperTrips {
  /** Passes a trip on, and collects it. */
  readonly onTripped: (trip: GuardrailTrip) => void
  /** The field of the recorded result; no field without a trip. */
  readonly field: () => { readonly trips?: Json }
}

export function collectTrips({ onTripped }: Pick<StepEntry, 'onTripped'>): HelperTrips {
  const trips: GuardrailTrip[] = []
  return {
    onTripped: (trip) => {
      trips.push(trip)
      onTripped?.(trip)
    },
    field: () => (trips.length === 0 ? {} : { trips }),
  }
}

/** Reports the trips of a recorded result; the run recognises those that it has. */
export function reportTrips({ onTripped }: Pick<StepEntry, 'onTripped'>, recorded: Json): void {
  const { trips = [] } = recorded as { readonly trips?: readonly GuardrailTrip[] }
  for (const trip of trips) onTripped?.(trip)
}
