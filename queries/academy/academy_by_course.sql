/*
grain: One row per course.
title: Courses
description: >-
  Who enrolled in a course, who finished it, and how long that took, each user once: the time
  counts from the first enrolment. Whether somebody has started is known as of now only, even for
  an earlier as_of: the source overwrites progress.
key: [course_id]
rows: academy/academy_enrollments
people: enrolled_count
columns:
  course_id: {unit: text, description: The course.}
  title: {unit: text, description: Its title.}
  level: {unit: text, description: Its level.}
  tier: {unit: text, description: The membership that opens it.}
  enrolled_count: {unit: count, description: Users who enrolled.}
  started_count: {unit: count, description: "Of these, who opened a lesson."}
  completed_count: {unit: count, description: Who finished.}
  completion_rate: {unit: rate, of: enrolled_count, interval: [low, high], description: Finished / enrolled.}
  median_days_to_complete: {unit: days, of: completed_count, description: Median days from enrolling to finishing.}
*/
select
    course_id,
    title,
    level,
    tier,
    enrolled_count,
    started_count,
    completed_count,
    completion_rate,
    median_days_to_complete
from marts.academy_by_course
order by enrolled_count desc, course_id
