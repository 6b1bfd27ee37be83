import { expect, test } from 'vitest'
import { SendWindow } from './send-window.ts'

test('A send window lets as many batches leave as it has room for.', () => {
  const window = new SendWindow(2)
  window.add()
  expect([window.isOpen, window.isIdle]).toEqual([true, false])
  window.add()
  expect([window.isOpen, window.isIdle]).toEqual([false, false])
  window.remove()
  expect([window.isOpen, window.isIdle]).toEqual([true, false])
  window.remove()
  expect([window.isOpen, window.isIdle]).toEqual([true, true])
})

test('A send window on hold lets no batch leave.', () => {
  const window = new SendWindow(2)
  window.hold()
  expect([window.isOpen, window.isIdle]).toEqual([false, false])
  window.release()
  expect([window.isOpen, window.isIdle]).toEqual([true, true])
})
