import { describe, expect, it } from 'vitest'
import {
  impossibleTransition,
  nextOwnership,
  OwnershipError,
  ownershipStates,
  ownershipTransitions,
  ownershipTriggers,
} from './ownership-transitions.ts'

/** The states that each trigger leads to, by the state it comes in; a state that is not named rejects the trigger. */
const expected: Readonly<Record<(typeof ownershipTriggers)[number], string>> = {
  claim: 'unclaimed>claiming claiming>claiming claimed>claimed idle>idle releasing>releasing lost>claiming',
  input: 'unclaimed>claiming claiming>claiming claimed>claimed idle>idle releasing>releasing lost>claiming',
  'lease-lost':
    'unclaimed>unclaimed claiming>claiming claimed>unclaimed idle>unclaimed releasing>releasing lost>unclaimed',
  close: 'unclaimed>unclaimed claimed>unclaimed idle>unclaimed lost>unclaimed',
  claimed: 'claiming>claimed',
  'claim-rejected': 'claiming>unclaimed',
  'claim-unknown': 'claiming>lost',
  'claim-outdated': 'claiming>unclaimed',
  moved: 'claimed>claimed idle>claimed',
  waiting: 'claimed>idle idle>idle',
  over: 'claimed>unclaimed idle>unclaimed',
  'idle-elapsed': 'idle>releasing',
  released: 'releasing>unclaimed',
  'release-rejected': 'releasing>claiming',
  recheck: 'lost>claiming',
  fenced: 'claimed>lost idle>lost',
  'storage-failed': 'claimed>lost idle>lost',
}

describe('ownership of a run', () => {
  for (const state of ownershipStates)
    for (const trigger of ownershipTriggers) {
      const to = expected[trigger]
        .split(' ')
        .find((pair) => pair.startsWith(`${state}>`))
        ?.split('>')[1]
      if (to === undefined)
        it(`A run that is ${state} rejects ${trigger}, for the pair cannot happen.`, () => {
          expect(ownershipTransitions[state][trigger]).toBe(impossibleTransition)
          expect(() => nextOwnership(state, trigger)).toThrow(OwnershipError)
        })
      else
        it(`A run that is ${state} becomes ${to} by ${trigger}.`, () =>
          expect(nextOwnership(state, trigger).to).toBe(to))
    }

  it('A run that leaves idle has no wake-up left but the one of its next state.', () => {
    const left = ownershipTriggers.flatMap((trigger) => {
      const cell = ownershipTransitions.idle[trigger]
      return cell === impossibleTransition || cell.to === 'idle' || trigger === 'idle-elapsed' ? [] : [cell]
    })
    for (const { actions } of left) expect(actions[0]).toBe('clear-wakeup')
  })

  it('A run that is not owned any more has its steps stopped or left, and one that is lost is looked at again.', () => {
    for (const state of ['claimed', 'idle'] as const)
      for (const trigger of ['lease-lost', 'fenced', 'storage-failed', 'over'] as const) {
        const { to, actions } = nextOwnership(state, trigger)
        expect(actions.some((action) => action === 'stop-steps' || action === 'leave-steps')).toBe(true)
        expect(actions.includes('recheck-later')).toBe(to === 'lost')
      }
  })
})
