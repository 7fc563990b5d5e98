"""What the course of a fault is called where it is kept, for those who tell of it and those who read it."""

COURSE_TITLE = "the course of the fault"
COURSE_FORMAT = "seatrial.course-of-a-fault/1"
