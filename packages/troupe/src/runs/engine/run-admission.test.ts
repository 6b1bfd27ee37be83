import { expect, test } from 'vitest'
import { RunAdmission } from './run-admission.ts'

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('A draining process rejects new runs and claims, a closed process rejects every call.', () => {
  const admission = new RunAdmission(undefined)
  const codes = () => [
    codeOf(() => admission.requireOpen('ada')),
    codeOf(() => admission.requireNew('ada')),
    (admission.claimRejection('r') as { code?: string } | undefined)?.code,
  ]
  expect(codes()).toEqual([undefined, undefined, undefined])
  admission.drain()
  expect(codes()).toEqual([undefined, 'troupe.draining', 'troupe.closed'])
  admission.close()
  expect(codes()).toEqual(['troupe.closed', 'troupe.closed', 'troupe.closed'])
  admission.drain()
  expect(admission.isClosed).toBe(true)
})

test('A user who is being erased is rejected until the erasure ends, and no other user is.', () => {
  const admission = new RunAdmission(undefined)
  const end = admission.erase('ada')
  expect(codeOf(() => admission.requireOpen('ada'))).toBe('user.forgotten')
  expect(codeOf(() => admission.requireNew('ada'))).toBe('user.forgotten')
  expect(codeOf(() => admission.requireNew('bob'))).toBeUndefined()
  end()
  expect(codeOf(() => admission.requireNew('ada'))).toBeUndefined()
})

test('A gate that waits holds back new runs and claims, and no call for a run that is here.', () => {
  const admission = new RunAdmission({ waiting: (what) => Object.assign(new Error(what), { code: 'gate' }) })
  expect(codeOf(() => admission.requireNew('ada'))).toBe('gate')
  expect(admission.claimRejection('r')?.message).toBe('Claiming run r')
  expect(codeOf(() => admission.requireOpen('ada'))).toBeUndefined()
})
