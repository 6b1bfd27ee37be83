/** The machine's network, for what is sent out where a host brings nothing else. */
import type { Fetch } from '../core/index.ts'

export const defaultFetch: Fetch = (url, init) => fetch(url, init)
