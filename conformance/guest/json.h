/* What the programs of this directory print. */
#ifndef JSON_H
#define JSON_H

/* A string, quoted. */
void put_string(const char *text);

#endif
