/** The library's public API, from the copy that is put to the test. */
import type * as library from '../../src/index.ts'
import { load } from './library-under-test.ts'

export const troupe = (await load('index')) as typeof library
