/**
 * Bounds the young generation of the heap. What reading a large folder makes is soon garbage, and by default the heap
 * grows by 100 MB before it is collected. Imported before everything else: a generation that has grown does not shrink.
 */
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--max-semi-space-size=8')
setFlagsFromString('--semi-space-growth-factor=1')
