/** The form of the checks in this folder: one function each, under the id of the catalogue. */
import type { CheckId, DoctorAnswer, doctorCatalogue } from '../../../configuration/index.ts'
import type { DoctorSubject, ProjectSubject, SystemSubject } from '../doctor-subject.ts'

interface SubjectsByArea {
  readonly configuration: DoctorSubject
  readonly system: SystemSubject
  readonly project: ProjectSubject
}
type About<Id extends CheckId> = (typeof doctorCatalogue)[Id][0]

/** The functions of all checks except attestations. */
export type CheckFunctions = {
  readonly [Id in CheckId as About<Id> extends 'word' ? never : Id]: (
    subject: SubjectsByArea[Exclude<About<Id>, 'word'>],
  ) => DoctorAnswer | Promise<DoctorAnswer>
}
