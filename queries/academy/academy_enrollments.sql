/*
grain: One row per enrolment in a course.
title: Enrolments
description: >-
  The rows behind the courses: who enrolled in which, who began and who finished. Progress is as stored
  now, also for an as_of in the past, since the source overwrites it.
key: [enrollment_id]
columns:
  enrollment_id: {unit: text, description: The stored enrolment.}
  course_id: {unit: text, description: The course.}
  user_id: {unit: text, description: The user.}
  enrolled_at: {unit: instant, description: When the user enrolled.}
  is_started: {unit: flag, description: Whether there is any progress.}
  finished_at: {unit: instant, description: When the user finished.}
  days_to_complete: {unit: days, description: Days from enrolling to finishing.}
*/
select
    enrollment_id,
    course_id,
    user_id,
    enrolled_at,
    is_started,
    finished_at,
    days_to_complete
from marts.academy_enrollments
order by enrolled_at desc, enrollment_id
